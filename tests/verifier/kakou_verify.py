"""A second verifier of the releases of kakou, written from docs/verify-yourself.md alone.

    python kakou_verify.py RELEASE [--ledger DIR] [--key FILE]... [--checkpoint FILE]... [--seen FILE --witness KEY] [--json]

It shares no code with the program that made the release: signatures are verified by `cryptography`, files are read and counted by
DuckDB, everything else is the standard library. It only reads, and opens no network connection. Exit code 0: everything that it
looks at holds. Exit code 1: something does not, and it says what. No cell of a release is ever printed.
"""

import argparse
import base64
import collections
import csv
import datetime
import hashlib
import io
import itertools
import json
import math
import os
import pathlib
import re
import stat
import sys
import tempfile
import unicodedata
import zipfile
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree

import duckdb
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KINDS = ("pseudonymized", "anonymized")
MANIFEST = "record/MANIFEST"
STATEMENT = "record/statement.json"
# By version of the statement: the key that says that a release has no such table.
LEFT_OUT = {"kakou-statement-1": "left out", "kakou-statement-2": "leftOut"}
RUN = "record/run.dsse.json"
ENTRY = "record/run.ledger-entry.json"
PROOF = "record/run.tlog-proof"
LINKS = "anonymized/links.csv"
# Statements by which a release goes on, with the state that each gives.
STATES = (
    ("record/verification.dsse.json", "https://in-toto.io/attestation/svr/v0.2", "verified"),
    ("record/approval.dsse.json", "https://kakou.example/approval/v1", "approved"),
    ("record/seal.dsse.json", "https://kakou.example/seal/v1", "sealed"),
)
BESIDE_MANIFEST = {RUN, ENTRY, PROOF, *(name for name, _, _ in STATES)}
IN_TOTO = "application/vnd.in-toto+json"
LEDGER_ENTRY = "application/vnd.kakou.ledger-entry+json"
ENTRY_KINDS = {
    "init", "key", "run", "refused", "aborted", "approval", "seal", "destruction", "deletion", "provision", "told", "reveal", "repair",
}
VERIFIER = "https://kakou.example/verifier/ed25519/"


class Wrong(Exception):
    """Something does not hold."""


def check(holds, what):
    if not holds:
        raise Wrong(what)


# ---- bytes, keys and signatures -------------------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).hexdigest()


SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def workbook(path):
    """The one sheet of a workbook (ECMA-376) as CSV: texts, numbers in their shortest form, days and moments in ISO 8601."""
    with zipfile.ZipFile(path) as archive:
        parts = set(archive.namelist())
        part = lambda name: ElementTree.fromstring(archive.read(name))
        sheets = [name for name in parts if name.startswith("xl/worksheets/sheet")]
        check(sheets == ["xl/worksheets/sheet1.xml"], f"the file {path.name} has not one sheet")
        escape = lambda text: re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)
        shared = []
        if "xl/sharedStrings.xml" in parts:
            for item in part("xl/sharedStrings.xml").iter(f"{SHEET}si"):
                shared.append(escape("".join(text.text or "" for text in item.iter(f"{SHEET}t"))))
        styles = part("xl/styles.xml")
        forms = {form.get("numFmtId"): form.get("formatCode") for form in styles.iter(f"{SHEET}numFmt")}
        forms = [forms.get(form.get("numFmtId"), "") for form in styles.find(f"{SHEET}cellXfs")]
        rows = []
        for row in part("xl/worksheets/sheet1.xml").iter(f"{SHEET}row"):
            cells = []
            for cell in row.iter(f"{SHEET}c"):
                check(cell.find(f"{SHEET}f") is None, f"the file {path.name} has a formula")
                at = 0
                for letter in re.match("[A-Z]+", cell.get("r"))[0]:
                    at = at * 26 + ord(letter) - 64
                cells += [""] * (at - 1 - len(cells))
                held = cell.findtext(f"{SHEET}v")
                form = forms[int(cell.get("s", 0))]
                if held is None:
                    cells.append("")
                elif cell.get("t") == "s":
                    cells.append(shared[int(held)])
                elif cell.get("t") == "b":
                    cells.append("TRUE" if held == "1" else "FALSE")
                elif "yy" in form:
                    # Days since 30 December 1899; the time of day is the fraction.
                    moment = datetime.datetime(1899, 12, 30) + datetime.timedelta(seconds=round(float(held) * 86400))
                    cells.append(moment.isoformat() if "hh" in form else moment.date().isoformat())
                else:
                    cells.append(f"{Decimal(repr(float(held))):f}".removesuffix(".0"))
            rows.append(cells)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    width = len(rows[0]) if rows else 0
    writer.writerows([*row, *[""] * (width - len(row))] for row in rows)
    return text.getvalue()


def read(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise Wrong(f"{path} cannot be read: {error.strerror}") from None


def digests(path):
    two, three, size = hashlib.sha256(), hashlib.sha3_256(), 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            two.update(block)
            three.update(block)
            size += len(block)
    return two.hexdigest(), three.hexdigest(), size


def unbase64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong(f"{what} is not base64") from None
    # Padding has one form only.
    check(base64.b64encode(data).decode() == text, f"{what} is not base64 in its one form")
    return data


def parse_json(data, what):
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Wrong(f"{what} is not JSON") from None


# Points of small order sign everything: their encodings (y coordinates of the eight, and those not reduced).
P = 2**255 - 19
SMALL_Y = {0, 1, P - 1, P, P + 1}
for point in ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"):
    SMALL_Y.add(int.from_bytes(bytes.fromhex(point), "little"))


def is_key(key):
    return len(key) == 32 and (int.from_bytes(key, "little") & (2**255 - 1)) not in SMALL_Y


def signed_by(key, message, signature):
    # The first half of a signature is a point and must not be of small order either.
    if not is_key(key) or len(signature) != 64 or not is_key(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id(key):
    return sha256(key)


def hex_key(text):
    check(isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text), "a public key is not written as 64 digits")
    return bytes.fromhex(text)


def note_id(name, role, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([role]) + key).digest()[:4]


def vkey(line):
    """NAME+ID+KEY of C2SP signed-note: the name, the role (1 a log, 4 a witness) and the 32 bytes."""
    parts = line.split("+", 2)
    check(len(parts) == 3, "this is not a verifier key")
    name, told, key = parts[0], parts[1], unbase64(parts[2], "a verifier key")
    check(len(key) == 33 and key[0] in (1, 4) and is_key(key[1:]), "this is not a verifier key")
    check(note_id(name, key[0], key[1:]).hex() == told, "the id of a verifier key is not its own")
    return name, key[0], key[1:]


def vkeys(path):
    lines = [line.strip() for line in read(path).decode().splitlines()]
    found = [vkey(line) for line in lines if line and not line.startswith("#")]
    check(found, f"{path} holds no key")
    return found


# ---- DSSE envelopes and in-toto statements --------------------------------------------------------------------------------


def pae(payload_type, payload):
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def claimed_signer(value):
    """The key that a payload names. It decides nothing: the signature is verified with it."""
    if not isinstance(value, dict):
        return None
    predicate = value.get("predicate")
    predicate = predicate if isinstance(predicate, dict) else {}
    for place in (predicate, value):
        signer = place.get("signer")
        if isinstance(signer, dict) and "publicKey" in signer:
            return signer["publicKey"]
    verifier = predicate.get("verifier")
    told = verifier.get("id") if isinstance(verifier, dict) else None
    return told[len(VERIFIER):] if isinstance(told, str) and told.startswith(VERIFIER) else None


def envelope(data, what, payload_type, trusted):
    """The value that an envelope signs, and the key that signed it."""
    told = parse_json(data, what)
    check(isinstance(told, dict) and isinstance(told.get("signatures"), list), f"{what} is not an envelope")
    check(len(told["signatures"]) == 1, f"{what} has not exactly one signature")
    signature = told["signatures"][0]
    texts = (told.get("payload"), told.get("payloadType"), signature.get("keyid"), signature.get("sig"))
    check(all(isinstance(text, str) for text in texts), f"{what} is not an envelope")
    # There is one way to write an envelope: any changed byte shows, also of what is not signed.
    again = json.dumps(
        {"payload": texts[0], "payloadType": texts[1], "signatures": [{"keyid": texts[2], "sig": texts[3]}]},
        separators=(",", ":"), ensure_ascii=False,
    )
    check((again + "\n").encode() == data, f"{what} is not written as the format says")
    payload = unbase64(texts[0], what)
    value = parse_json(payload, what)
    key = hex_key(claimed_signer(value))
    check(not trusted or key in trusted, f"{what} is signed by another key than those given")
    check(texts[1] == payload_type, f"{what} is of another type")
    check(signed_by(key, pae(texts[1], payload), unbase64(texts[3], what)), f"{what}: the signature does not hold")
    check(texts[2] == key_id(key), f"{what}: the id of the key is another one")
    return value, key


def statement(data, what, predicate_type, trusted):
    """Subjects, predicate and signer of an in-toto statement."""
    value, key = envelope(data, what, IN_TOTO, trusted)
    check(value.get("_type") == "https://in-toto.io/Statement/v1", f"{what} is no in-toto statement")
    check(value.get("predicateType") == predicate_type, f"{what} is of another kind")
    subjects = [subject(s["name"], s["digest"]["sha256"], s["digest"]["sha3_256"]) for s in value["subject"]]
    return subjects, value["predicate"], key


def subject(name, two, three):
    return (name, two, three)


def subject_of(name, data):
    return subject(name, sha256(data), hashlib.sha3_256(data).hexdigest())


# ---- the tree of the ledger (RFC 6962) ------------------------------------------------------------------------------------


def leaf(line):
    return hashlib.sha256(b"\0" + line).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:split]), root(leaves[split:]))


def root_by_proof(size, index, start, path):
    """RFC 9162 2.1.3.2."""
    check(index < size, "the ledger's proof names no entry of its tree")
    at, last, found = index, size - 1, start
    for sibling in path:
        check(last != 0, "the ledger's proof is too long")
        if at & 1 or at == last:
            found = node(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, sibling)
        at, last = at >> 1, last >> 1
    check(last == 0, "the ledger's proof is too short")
    return found


# ---- notes and checkpoints (C2SP) -----------------------------------------------------------------------------------------


class Note:
    """A signed note whose text is a checkpoint."""

    def __init__(self, data, what):
        try:
            whole = data.decode()
        except UnicodeDecodeError:
            raise Wrong(f"{what} is not text") from None
        plain = not any(ord(c) < 0x20 and c != "\n" for c in whole)
        check(plain and whole.endswith("\n") and "\n\n" in whole, f"{what} is not a signed note")
        at = whole.rindex("\n\n")
        self.text, self.lines = whole[: at + 1], []
        for line in whole[at + 2 :].split("\n")[:-1]:
            found = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
            check(found, f"{what} has a line that is no signature")
            data = unbase64(found[2], what)
            check(len(data) > 4, f"{what} has a line that is no signature")
            self.lines.append((found[1], data[:4], data[4:]))
        check(self.lines, f"{what} has no signature")
        check(len(set(self.lines)) == len(self.lines), f"{what} has a signature line twice")
        told = self.text.split("\n")
        check(len(told) >= 4 and all(told[:-1]), f"{what} is not a checkpoint")
        self.origin, self.extensions = told[0], told[3:-1]
        check(re.fullmatch("0|[1-9][0-9]*", told[1]), f"{what} is not a checkpoint")
        self.size, self.root = int(told[1]), unbase64(told[2], what)
        check(len(self.root) == 32, f"{what} is not a checkpoint")

    def signers(self, keys):
        """The keys that signed it as the ledger. A wrong line under the id of one of the keys is no signature of another."""
        found = []
        for key in keys:
            for name, told, signature in self.lines:
                if name == self.origin and told == note_id(name, 1, key):
                    check(signed_by(key, self.text.encode(), signature), "a signature below a checkpoint does not hold")
                    found.append(key)
        return found

    def seen_by(self, name, key):
        """When a witness cosigned it."""
        for other, told, data in self.lines:
            if other == name and told == note_id(name, 4, key):
                seconds = int.from_bytes(data[:8], "big")
                text = f"cosignature/v1\ntime {seconds}\n{self.text}"
                check(signed_by(key, text.encode(), data[8:]), "the witness's signature does not hold")
                return seconds
        raise Wrong("the witness has not signed this checkpoint")


# ---- the ledger -----------------------------------------------------------------------------------------------------------


class Ledger:
    """A ledger's folder, every line verified."""

    def __init__(self, folder, first=()):
        folder = pathlib.Path(folder)
        for path in folder.iterdir():
            # What a killed writer left is taken away by the next one.
            own = path.is_dir() if path.name in ("open", "torn", "stamps", "seen") else path.name in ("entries.jsonl", "checkpoint", "lock")
            own &= not path.is_symlink()
            check(own or path.name.startswith(".kakou-"), f"{path.name} in the folder of the ledger is not the ledger's")
        data = read(folder / "entries.jsonl")
        note = Note(read(folder / "checkpoint"), "the checkpoint of the ledger")
        check(data.endswith(b"\n") or not data, "the last write to the ledger did not finish")
        self.lines = data.split(b"\n")[:-1]
        check(len(self.lines) == note.size, f"the ledger has {len(self.lines)} lines, its checkpoint counts {note.size}")
        self.entries, self.leaves, self.keys = [], [], []
        self.origin, previous = None, bytes(32)
        self.may = collections.defaultdict(list)
        for index, line in enumerate(self.lines):
            self.add(index, line, previous)
            previous = leaf(line)
            self.leaves.append(previous)
        check(self.entries, "the ledger is empty")
        check(note.origin == self.origin, "the checkpoint is of another ledger")
        check(root(self.leaves) == note.root, "the entries of the ledger are not those of its checkpoint")
        check(note.signers({*self.keys, self.entries[-1]["key"]}), "the checkpoint is not signed by a key that may write")
        check(not first or self.entries[0]["key"] in first, "the ledger does not begin with one of the given keys")
        self.note = note

    def add(self, index, line, previous):
        what = f"line {index + 1} of the ledger"
        value, key = envelope(line + b"\n", what, LEDGER_ENTRY, ())
        check(value.get("index") == index, f"{what} stands in another place than it says")
        check(value.get("previous") == previous.hex(), f"{what} does not follow the line before it")
        check(value.get("kind") in ENTRY_KINDS, f"{what} is of an unknown kind")
        if index == 0:
            check(value["kind"] == "init", "the ledger does not begin with its first entry")
            self.origin, self.keys = value["ledger"], [key]
        check(value["ledger"] == self.origin and (index == 0) == (value["kind"] == "init"), f"{what} is of another ledger")
        check(key in self.keys, f"{what} is signed by a key that may not write here")
        if value["kind"] == "key":
            other = hex_key(value["body"]["publicKey"])
            event = value["body"]["event"]
            check(event in ("trusted", "rotated", "retired", "created", "split"), f"{what} does not say what became of a key")
            if event == "rotated":
                self.keys.remove(key)
            if event in ("trusted", "rotated") and other not in self.keys:
                self.keys.append(other)
            if event == "retired" and other in self.keys:
                self.keys.remove(other)
        self.entries.append({**value, "key": key})

    def about(self, release, kind, after=-1):
        return [e for e in self.entries if e["kind"] == kind and e["body"].get("release") == release and e["index"] > after]

    def knew(self, key):
        """Whether a key could ever write here."""
        named = [e["body"] for e in self.entries if e["kind"] == "key" and e["body"]["event"] in ("trusted", "rotated")]
        return key == self.entries[0]["key"] or any(hex_key(body["publicKey"]) == key for body in named)

    def holds_state(self, folder, release, run, reached):
        """The states of a release stand here, by the keys that signed them, and no further one does."""
        for entry in self.entries:
            body = entry["body"]
            releases = [body.get("release")] + [told.get("release") for told in body.get("releases") or [] if isinstance(told, dict)]
            check(entry["kind"] != "deletion" or entry["body"].get("state") == "asked" or release not in releases, "by the ledger this release was deleted")
        for kind in ("aborted", "refused"):
            # The last word about the same run: it began no later.
            began = self.entries[run]["body"].get("startedAt") or ""
            ended = [e for e in self.about(release, kind, run) if (e["body"].get("startedAt") or "") <= began]
            check(not ended, "by the ledger the run of this release was aborted")
        known = "staged"
        for (name, predicate_type, state), kind in zip(STATES, (None, "approval", "seal")):
            there = order(reached) >= order(state)
            if kind is None:
                if there:
                    _, _, key = statement(read(folder / name), name, predicate_type, ())
                    check(self.knew(key), f"{name} is signed by a key that the ledger does not know")
                continue
            entries = self.about(release, kind, run)
            if entries:
                known = state
            if there:
                data = read(folder / name)
                _, _, key = statement(data, name, predicate_type, ())
                mine = [e for e in entries if e["key"] == key and e["body"]["statement"]["sha256"] == sha256(data)]
                check(mine, f"{name} does not stand in the ledger by the key that signed it")
                if kind == "seal":
                    destroyed = [e["index"] for e in self.about(release, "destruction")]
                    check(mine[0]["body"]["destruction"] in destroyed, "the seal names no destruction of the key")
        check(order(known) <= order(reached), f"by the ledger the release is {known}, here it is {reached}")

    def goes_on_from(self, note, what):
        check(note.origin == self.origin, f"{what} is of another ledger")
        check(note.size <= len(self.leaves), f"the ledger was cut: {what} counts {note.size} entries, {len(self.leaves)} are there")
        check(root(self.leaves[: note.size]) == note.root, f"the ledger was rewritten: it does not go on from {what}")


def order(state):
    return ("unsigned", "staged", "verified", "approved", "sealed").index(state)


def proof_of_entry(folder, record, run_key, trusted, ledger):
    """The entry of the run and its proof, from the release alone; and in the ledger, if that is there."""
    there = [(folder / name).exists() for name in (ENTRY, PROOF)]
    if record.get("ledger") is None:
        check(not any(there), "the record names no ledger, but proofs of one are there")
        check(ledger is None, "the record does not say that this run is in a ledger")
        return None
    check(all(there), "the ledger's entry or its proof is missing")
    line = read(folder / ENTRY)
    entry, key = envelope(line, ENTRY, LEDGER_ENTRY, trusted)
    body = entry["body"]
    check(entry["kind"] == "run" and body["release"] == record["release"], f"{ENTRY} is not the entry of this run")
    check(body["statement"]["sha256"] == sha256(read(folder / RUN)), f"{ENTRY} is of another statement")
    check(entry["ledger"] == record["ledger"], f"{ENTRY} is of another ledger")
    check(key == run_key, f"{ENTRY} is signed by another key than the run")
    proof = read(folder / PROOF)
    head, found, rest = proof.partition(b"\n\n")
    check(found, f"{PROOF} is no proof")
    lines = head.decode().split("\n")
    check(lines[0] == "c2sp.org/tlog-proof@v1" and re.fullmatch("index (0|[1-9][0-9]*)", lines[1]), f"{PROOF} is no proof")
    path = [unbase64(text, PROOF) for text in lines[2:]]
    check(all(len(hash_) == 32 for hash_ in path), f"{PROOF} is no proof")
    note = Note(rest, PROOF)
    check(note.origin == entry["ledger"] and int(lines[1][6:]) == entry["index"], f"{PROOF} is not of this run's entry")
    check(note.signers(trusted or [key]), f"{PROOF}: the checkpoint is not signed by a given key")
    found = root_by_proof(note.size, entry["index"], leaf(line.removesuffix(b"\n")), path)
    check(found == note.root, f"{PROOF} does not lead from the entry to the checkpoint")
    if ledger is not None:
        check(ledger.origin == entry["ledger"], "the run is in another ledger than the given one")
        ledger.goes_on_from(note, "the release's proof")
        check(ledger.lines[entry["index"]] + b"\n" == line, "the ledger has another entry in the place of this run's")
    return entry["index"]


# ---- the files of a release -----------------------------------------------------------------------------------------------


def tree(folder):
    """Every file below a folder, relative to it. What no run makes is refused: links, devices, empty folders, second names of a
    file, rights that let everybody write or a program run as another."""
    found = set()
    for path, folders, files in os.walk(folder, onerror=lambda error: check(False, f"a folder cannot be listed: {error.strerror}")):
        here = os.path.relpath(path, folder)
        check(folders or files, f"{here} is an empty folder")
        check(not os.stat(path).st_mode & 0o002, f"{here} can be written by everybody")
        for name in folders + files:
            whole = os.path.join(path, name)
            shown, meta = os.path.relpath(whole, folder), os.lstat(whole)
            if stat.S_ISDIR(meta.st_mode):
                continue
            check(stat.S_ISREG(meta.st_mode), f"{shown} is a link or a device, not a file of the release")
            check(meta.st_nlink == 1, f"{shown} has {meta.st_nlink} names (hard links)")
            check(not meta.st_mode & 0o7000, f"{shown} runs with another's rights")
            check(not meta.st_mode & 0o002, f"{shown} can be written by everybody")
            found.add(shown)
    return found


def parse_manifest(data):
    listed, last = {}, ""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Wrong(f"{MANIFEST} is damaged") from None
    check(text.endswith("\n"), f"{MANIFEST} is damaged")
    for line in text[:-1].split("\n"):
        found = re.fullmatch(r"([0-9a-f]{64})  ([0-9a-f]{64})  (0|[1-9][0-9]*)  (.+)", line)
        # Lines stand in the order of the bytes of their paths, each once.
        check(found and found[4].encode() > last.encode(), f"{MANIFEST} is damaged")
        last = found[4]
        listed[last] = (found[1], found[2], int(found[3]))
    return listed


def same_files(listed, present, folder, beside):
    for path in sorted(set(listed) | present):
        check(path in present, f"the file {path} is missing")
        check(path in listed or path in beside, f"the file {path} is not part of the release")
        if path in listed:
            told = listed[path]
            check(digests(folder / path)[: len(told)] == told, f"the file {path} is not as it was sealed")


def run_statement(folder, listed, manifest, trusted):
    if not (folder / RUN).exists():
        check(not trusted, f"{RUN} is missing: nobody has signed this")
        return None
    subjects, _, key = statement(read(folder / RUN), RUN, "https://kakou.example/run/v1", trusted)
    expected = {subject(path, two, three) for path, (two, three, _) in listed.items()} | {subject_of(MANIFEST, manifest)}
    check(len(subjects) == len(expected) and set(subjects) == expected, f"{RUN} is not about the files of the manifest")
    return key


def state_of(folder, run_key, trusted):
    """How far the release has come, by the statements beside the manifest."""
    if run_key is None:
        check(not any((folder / name).exists() for name, _, _ in STATES), f"a statement rests on {RUN}, which is missing")
        return "unsigned"
    below, state, gap = [subject_of(RUN, read(folder / RUN))], "staged", False
    for name, kind, reached in STATES:
        if not (folder / name).exists():
            gap = True
            continue
        data = read(folder / name)
        subjects, _, key = statement(data, name, kind, trusted)
        check(not gap and subjects == below, f"{name} rests on statements that are missing or others")
        check(key != run_key or reached == "sealed", f"{name} is signed by the one who made the release")
        below.append(subject_of(name, data))
        state = reached
    return state


# ---- accounts -------------------------------------------------------------------------------------------------------------


def count(value):
    check(isinstance(value, int) and not isinstance(value, bool) and value >= 0, "a count of the record is no count")
    return value


def balance(record):
    check(record.get("tables"), "the record has no account of rows")
    for table in record["tables"]:
        for kind in KINDS:
            told, what = table["releases"][kind], f"table {table['table']}, {kind} release"
            gone = sum(map(count, table["setAside"].values())) + count(told["excluded"]) + count(told["removed"])
            left_out = told[LEFT_OUT[record["schema"]]]
            check(isinstance(left_out, bool), f"{what}: it does not say whether the release has the table")
            if left_out:
                check(told["rowsOut"] is None and gone <= count(table["rowsIn"]), f"{what}: the rows do not balance")
                continue
            check(gone + count(told["rowsOut"]) == count(table["rowsIn"]), f"{what}: the rows do not balance")
            check(count(told["persons"]) <= told["rowsOut"], f"{what}: more persons than rows")
            check(told["persons"] <= record["persons"]["released"][kind], f"{what}: more persons than the release has")
    persons = record["persons"]
    for kind in KINDS:
        parts = [count(persons[part][kind]) for part in ("excluded", "withoutRows", "released")]
        check(sum(parts) == count(persons["read"]), f"{kind} release: the persons of the record do not balance")
    for told in record.get("exclusionLists") or []:
        check(count(told["matched"]) + count(told["matchedNobody"]) == count(told["listed"]), "an exclusion list does not balance")
    if record.get("eligibility"):
        for kind in KINDS:
            told = record["eligibility"]["persons"][kind]
            reasons = ("onList", "stopped", "notInFile", "notNotified", "noticeTooRecent")
            gone = sum(count(told[reason]) for reason in reasons)
            check(gone == persons["excluded"][kind], "the eligibility file does not balance")
            check(gone + count(told["eligible"]) == persons["read"], "the eligibility file does not balance")


# ---- counting -------------------------------------------------------------------------------------------------------------


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


CODECS = {"utf-8": "utf-8-sig", "utf-8-bom": "utf-8-sig", "cp932": "cp932", "iso-2022-jp": "iso2022_jp_ext"}


ENDINGS = {"whole": [], "op": [".op"], "note": [".note"], "op-note": [".op", ".note"], "bounds": [".from", ".to"]}


def in_file(column):
    """The columns of the file that a column is made of."""
    return [column["name"] + ending for ending in ["", *ENDINGS[column.get("parts", "whole")]]]


def ends_hold(label, low, high):
    """Whether the numbers at the ends of a label are those that it says."""
    if label is None:
        return low is None and high is None
    number = r"(-?\d+(?:\.\d+)?)"
    forms = [f"{number}-{number}", rf"\[{number},{number}\)", rf"{number}()\+", f">=?{number}()", f"<=?(){number}"]
    found = next((m.groups() for form in forms if (m := re.fullmatch(form, label))), None)
    if found is None:
        # A number alone has itself at both ends; what is no number (a special value too) has none.
        return (low is None and high is None) or (low == high and same_number(low, label))
    return all((end or "") == said or same_number(end, said) for end, said in zip((low, high), found))


def same_number(a, b):
    try:
        return Decimal(a) == Decimal(b)
    except (TypeError, ValueError, InvalidOperation):
        return False


def shown_in_name(cell, month):
    """What a cell gives to the name of its file: itself, or the year and month of a date; zeros where it is none."""
    if month is None:
        return cell or "none"
    found = re.match(r"([0-9]{4})[-/.]*(0[1-9]|1[0-2])?", cell or "")
    year, number = (found[1], found[2] or "00") if found else ("0000", "00")
    return {"yyyy": year, "yyyymm": year + number, "yymm": year[2:] + number}[month]


class Resource:
    """A resource of FHIR in a release, read by the paths of a policy."""

    def __init__(self, resource, bundle, urls, element, row):
        self.resource, self.bundle, self.urls, self.element, self.row = resource, bundle, urls, element, row

    def cell(self, paths):
        found = [value for path in paths if (value := self.value(path)) is not None]
        return found[0] if found else None

    def value(self, path):
        parts = [self.part(part) for part in re.split(r"\+(?![^\[]*\])", path)]
        there = [part for part in parts if part is not None]
        return "".join(there) if there else None

    def part(self, part):
        if part == "Bundle.id":
            return (self.bundle or {}).get("id")
        if part == "Bundle.section":
            return self.sections()
        part, _, target = part.partition("@")
        steps = re.findall(r"([A-Za-z_0-9]+)((?:\[[^\]]*\])*)(?:\.|$)", part)
        places = [self.resource]
        if steps[0][0] == "Bundle" and len(steps) > 1:
            places, steps = [self.bundle or {}], steps[1:]
        elif self.element and steps[0][0] == self.element:
            places, steps = [self.row], steps[1:]
        if target:
            steps = steps[:-1]
        for name, rules in steps:
            places = [p[name] for p in places if isinstance(p, dict) and name in p]
            places = [v for p in places for v in (p if isinstance(p, list) else [p])]
            for rule in re.findall(r"\[([^\]]*)\]", rules):
                if rule == "0":
                    places = places[:1]
                elif rule != "*":
                    key, _, values = rule.partition("=")
                    names, wanted = key.removesuffix("!").split("."), values.split("|")
                    places = [p for p in places if any(v in wanted for v in deep(p, names)) != key.endswith("!")]
        if target:
            places = [self.referred(p, target) for p in places]
        cells = [text_of(p) for p in places if p is not None]
        return "~".join(cells) if cells else None

    def referred(self, reference, target):
        if "identifier" in reference:
            return reference["identifier"]["value"]
        address = reference["reference"]
        return self.urls[address]["id"] if address in self.urls else address.rpartition("/")[2]

    def sections(self):
        own = {url for url, resource in self.urls.items() if resource is self.resource}
        found = set()
        for composition in (r for r in self.urls.values() if r["resourceType"] == "Composition"):
            for section in composition.get("section", []):
                if own & {e["reference"] for e in section["entry"]}:
                    coding = section["code"]["coding"][0]
                    found.add("|".join(filter(None, [coding.get("system"), coding["code"]])))
        return "~".join(sorted(found)) or None


def deep(place, names):
    places = [place]
    for name in names:
        places = [v for p in places if isinstance(p, dict) and name in p for v in (p[name] if isinstance(p[name], list) else [p[name]])]
    return places


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value)


class Files:
    """The tables of one release in DuckDB: table n is `tn`, its columns are `c0`, `c1`, ...; a missing cell is NULL."""

    def __init__(self, folder, structure, scratch):
        self.db = duckdb.connect()
        self.db.execute("SET threads = 2")
        self.structure, self.scratch = structure, scratch
        whole = {}
        for at, shape in enumerate(structure["tables"]):
            long = shape.get("long")
            if not long:
                self.load(folder / shape["file"], f"f{at}", [n for c in shape["columns"] for n in in_file(c)], structure["encoding"])
                self.assemble(at, shape)
                continue
            if long.get("resources"):
                self.load_resources(folder / shape["file"], at, long["resources"])
                continue
            name = whole.setdefault(shape["file"], f"w{len(whole)}")
            if name == f"w{len(whole) - 1}" and not self.exists(name):
                self.load_all(folder, shape, name)
            rule = self.rule(long)
            columns = ", ".join(f"c{column} AS c{to}" for to, column in enumerate(long["at"])) or "1"
            self.db.execute(f"CREATE TABLE t{at} AS SELECT {columns} FROM {name} WHERE {rule}")
            fillers = dict(long.get("fillers", []))
            for column in set(range(len(long["columns"]))) - set(long["at"]):
                filler = quoted(fillers[column]) if column in fillers else "NULL"
                left = self.one(f"SELECT count(*) FROM {name} WHERE ({rule}) AND c{column} IS DISTINCT FROM {filler}")
                check(left == 0, f"table {shape['name']}: cells in a column that it does not release")
        for file, name in whole.items():
            rules = [self.rule(s["long"]) for s in structure["tables"] if s.get("long") and s["file"] == file]
            left = self.one(f"SELECT count(*) FROM {name} WHERE NOT ({' OR '.join(rules)})")
            check(left == 0, f"the file {file}: a row belongs to no table of the release")

    def assemble(self, at, shape):
        """The cells of each column from the columns that it is in the file; the ends beside a label must be those that it says."""
        cells, place = [], 0
        for to, column in enumerate(shape["columns"]):
            first, width = f"c{place}", len(in_file(column))
            parts = column.get("parts", "whole")
            beside = [f"c{place + n}" for n in range(1, width)]
            if column["type"] == "decimal":
                # A float comes back as 79.0, a number of a text file as 79.
                first = f"regexp_replace({first}, '\\.0$', '')"
            if parts == "bounds":
                rows = self.db.execute(f"SELECT DISTINCT {first}, {', '.join(beside)} FROM f{at}").fetchall()
                check(all(ends_hold(*row) for row in rows), f"table {shape['name']}: what stands beside a label is not what it says")
            elif parts != "whole":
                operator = f"coalesce({beside[0]}, '')" if parts != "note" else "''"
                note = beside[-1] if parts != "op" else "CAST(NULL AS VARCHAR)"
                first = (
                    f"nullif(CASE WHEN {first} IS NULL THEN {operator} || coalesce({note}, '') "
                    f"WHEN {note} IS NULL THEN {operator} || {first} "
                    f"WHEN starts_with({note}, '(') THEN {operator} || {first} || {note} "
                    f"ELSE {operator} || {note} || '(' || {first} || ')' END, '')"
                )
            cells.append(f"{first} AS c{to}")
            place += width
        self.db.execute(f"CREATE TABLE t{at} AS SELECT {', '.join(cells) or '1'} FROM f{at}")
        self.db.execute(f"DROP TABLE f{at}")

    def load_all(self, folder, shape, name):
        """The file of a table, or all files that have the names that its rows make."""
        long = shape["long"]
        how = (long["columns"], long["encoding"], long["delimiter"], long["header"], long.get("format"))
        names = long.get("names", [])
        if not names:
            self.load(folder / shape["file"], name, *how)
            return
        pattern = "".join(re.escape(part["text"]) if "text" in part else "(.+?)" for part in names)
        inside = folder / shape["file"].split("/")[0]
        self.db.execute(f"CREATE TABLE {name} ({', '.join(f'c{at} VARCHAR' for at in range(len(long['columns'])))})")
        for path in sorted(p for p in inside.iterdir() if re.fullmatch(pattern, p.name)):
            self.load(path, f"{name}p", *how)
            parts = [p["column"] for p in names if "column" in p]
            made = self.db.execute(f"SELECT DISTINCT {', '.join(f'c{at}' for at, _ in parts)} FROM {name}p").fetchall()
            for row in made:
                cells = iter(zip(row, (by for _, by in parts)))
                text = "".join(p["text"] if "text" in p else shown_in_name(*next(cells)) for p in names)
                check(text == path.name, f"the file {path.name}: a row stands in a file whose name it does not make")
            self.db.execute(f"INSERT INTO {name} SELECT * FROM {name}p")
            self.db.execute(f"DROP TABLE {name}p")

    def load_resources(self, path, at, shape):
        """The rows of a table from resources of FHIR: each column is what stands at its path."""
        kind, _, element = shape["record"].partition("/")
        rows = []
        for line in read(path).decode().splitlines():
            top = json.loads(line)
            bundle = top if top["resourceType"] == "Bundle" else None
            urls = {e["fullUrl"]: e["resource"] for e in (bundle or {"entry": []})["entry"] if "fullUrl" in e}
            for resource in [e["resource"] for e in bundle["entry"]] if bundle else [top]:
                if resource["resourceType"] != kind:
                    check(resource["resourceType"] in shape["others"], f"the file {path.name}: a resource belongs to no table")
                    continue
                for row in resource.get(element, []) if element else [resource]:
                    of = Resource(resource, bundle, urls, element, row)
                    rows.append([of.cell(paths) for paths in shape["paths"]])
        self.db.execute(f"CREATE TABLE t{at} ({', '.join(f'c{c} VARCHAR' for c in range(len(shape['paths'])))})")
        if rows:
            self.db.executemany(f"INSERT INTO t{at} VALUES ({', '.join('?' * len(shape['paths']))})", rows)

    def rule(self, long):
        parts = []
        for column, values in long["matching"]:
            parts.append(f"coalesce(c{column}, '') IN ({', '.join(map(quoted, values))})")
        return " AND ".join(parts) or "true"

    def exists(self, name):
        return self.one(f"SELECT count(*) FROM information_schema.tables WHERE table_name = {quoted(name)}") > 0

    def one(self, query):
        return self.db.execute(query).fetchone()[0]

    def load(self, path, name, columns, encoding, delimiter=",", header=True, form=None):
        wanted = ", ".join(f"nullif(c{at}, '') AS c{at}" for at in range(len(columns)))
        try:
            if (form or self.structure["format"]) == "parquet":
                found = [row[0] for row in self.db.execute(f"DESCRIBE SELECT * FROM read_parquet({quoted(path)})").fetchall()]
                check(sorted(found) == sorted(columns), f"the file {path.name} has other columns than the record says")
                cells = ", ".join(
                    'nullif(CAST("{}" AS VARCHAR), \'\') AS c{}'.format(column.replace('"', '""'), at)
                    for at, column in enumerate(columns)
                )
                self.db.execute(f"CREATE TABLE {name} AS SELECT {cells} FROM read_parquet({quoted(path)})")
                return
            if (form or self.structure["format"]) == "xlsx":
                text, delimiter, header = workbook(path), ",", True
            else:
                # DuckDB reads UTF-8; other encodings are brought there first. A DOS end mark is none of the text.
                text = read(path).removesuffix(b"\x1a").decode(CODECS[encoding])
            plain = pathlib.Path(self.scratch) / f"{name}.csv"
            with open(plain, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            if header:
                first = next(csv.reader([text.split("\n", 1)[0]], delimiter=delimiter), [])
                check([c.strip() for c in first] == columns, f"the file {path.name} has other columns than the record says")
            types = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(columns)))
            # A line without text would be skipped by some readers: with one column a missing cell is written as "".
            self.db.execute(
                f"CREATE TABLE {name} AS SELECT {wanted} FROM read_csv({quoted(plain)}, auto_detect=false, header={header}, "
                f"delim={quoted(delimiter)}, quote='\"', escape='\"', columns={{{types}}}, nullstr='', parallel=false, "
                f"strict_mode=true, null_padding=false, max_line_size=67108864)"
            )
            plain.unlink()
        except (duckdb.Error, UnicodeDecodeError, KeyError, ValueError, ElementTree.ParseError, zipfile.BadZipFile) as error:
            # The messages of libraries quote cells: only the kind of the error is told.
            raise Wrong(f"the file {path.name} cannot be read ({type(error).__name__})") from None

    def person(self, table):
        return f"c{self.structure['tables'][table]['person']}"

    def rows(self, table):
        return self.one(f"SELECT count(*) FROM t{table}")

    def persons_of(self, table):
        return self.one(f"SELECT count(DISTINCT {self.person(table)}) FROM t{table}")

    def persons(self):
        parts = [f"SELECT {self.person(t)} AS p FROM t{t}" for t in range(len(self.structure["tables"]))]
        return self.one(f"SELECT count(DISTINCT p) FROM ({' UNION ALL '.join(parts)})") if parts else 0

    def tokens(self):
        parts = [f"SELECT {self.person(t)} AS p FROM t{t}" for t in range(len(self.structure["tables"]))]
        return {row[0] for row in self.db.execute(f"SELECT DISTINCT p FROM ({' UNION ALL '.join(parts)})").fetchall()}

    def rows_with(self, table, paths):
        """A query of the rows of a table: the person `p`, for each path `v0`, `v1`, ... the value that the row shows, and the row `r`.

        By `row` it is the cell itself. By `person` it is the set of the cells in the rows of the same person, by `token` that
        of the rows with the same token, by `beside` that of the person without what the row shows of another column; no cell at
        all is missing."""
        values, joins = [], []
        for at, path in enumerate(paths):
            if path["by"] == "row":
                values.append(f"h.c{path['column']} AS v{at}")
                continue
            own = path["by"].get("beside") if isinstance(path["by"], dict) else None
            if path["by"] == "person" or own is not None:
                here, there = self.person(table), self.person(path["table"])
            else:
                here, there = (f"c{column}" for column in path["by"]["token"])
            joins.append(
                f"LEFT JOIN (SELECT {there} AS k, list_sort(list(DISTINCT c{path['column']})) AS v FROM t{path['table']} "
                f"WHERE {there} IS NOT NULL AND c{path['column']} IS NOT NULL GROUP BY {there}) j{at} ON h.{here} = j{at}.k"
            )
            if own is None:
                values.append(f"j{at}.v AS v{at}")
                continue
            # Without what the row itself shows of the other column: one value, however it is found.
            if own["by"] == "row":
                shown = f"h.c{own['column']}"
            else:
                key, other = (self.person(table), self.person(own["table"])) if own["by"] == "person" else (f"c{column}" for column in own["by"]["token"])
                joins.append(
                    f"LEFT JOIN (SELECT {other} AS k, any_value(c{own['column']}) AS v FROM t{own['table']} "
                    f"WHERE {other} IS NOT NULL AND c{own['column']} IS NOT NULL GROUP BY {other}) o{at} ON h.{key} = o{at}.k"
                )
                shown = f"o{at}.v"
            others = f"list_filter(j{at}.v, lambda x: x IS DISTINCT FROM {shown})"
            values.append(f"CASE WHEN len({others}) > 0 THEN {others} END AS v{at}")
        values = "".join(f", {value}" for value in values)
        # A join may change the order of rows: what is joined again later goes by `r`.
        return f"SELECT h.{self.person(table)} AS p{values}, h.rowid AS r FROM t{table} h {' '.join(joins)}"


def recount_view(files, view):
    """k in persons, l and the models of a view."""
    found = {"view": view["name"]}
    if view.get("implied"):
        found["implied"] = True
    sensitive = view["sensitive"]
    if view["table"] is None:
        return {**found, "classes": 0, "smallest": None, "l": [None] * len(sensitive), "holds": True}
    quasi = view["quasi"] + view.get("facts", [])
    # The name in the file may say more than this program knows.
    paths = quasi + [path for path, _ in sensitive]
    db = files.db
    db.execute(f"CREATE OR REPLACE TEMP TABLE v AS {files.rows_with(view['table'], paths)}")
    check(files.one("SELECT count(*) FROM v WHERE p IS NULL") == 0, f"view {view['name']}: a row without a person")
    keys = ", ".join(f"v{at}" for at in range(len(quasi)))
    extra = "".join(f", count(DISTINCT v{len(quasi) + at}) AS l{at}" for at in range(len(sensitive)))
    group = f"GROUP BY {keys}" if keys else "HAVING count(*) > 0"
    classes = f"SELECT count(DISTINCT p) AS n{extra} FROM v {group}"
    least = "".join(f", min(l{at})" for at in range(len(sensitive)))
    found["classes"], found["smallest"], *l = db.execute(f"SELECT count(*), min(n){least} FROM ({classes})").fetchone()
    found["l"] = l
    holds = found["smallest"] is None or found["smallest"] >= view["k"]
    holds &= all(there is None or there >= wanted for there, (_, wanted) in zip(l, sensitive))
    if view.get("models"):
        found["models"] = []
        groups, whole = classes_of(files, len(quasi), len(sensitive))
        for model in view["models"]:
            one = model_holds(model, groups, whole)
            found["models"].append({"model": model["model"], "holds": one})
            holds &= one
    return {**found, "holds": bool(holds)}


def classes_of(files, quasi, sensitive):
    """For the models: each class as (persons, for each sensitive column {value: persons}), and all rows as one class."""
    keys = "".join(f", v{at}" for at in range(quasi))
    files.db.execute(f"CREATE OR REPLACE TEMP TABLE g AS SELECT *, dense_rank() OVER (ORDER BY 0{keys}) AS g FROM v")
    persons = dict(files.db.execute("SELECT g, count(DISTINCT p) FROM g GROUP BY g").fetchall())
    groups = {g: (n, [{} for _ in range(sensitive)]) for g, n in persons.items()}
    whole = (files.one("SELECT count(DISTINCT p) FROM g"), [{} for _ in range(sensitive)])
    for at in range(sensitive):
        column = f"CAST(v{quasi + at} AS VARCHAR)"
        rows = files.db.execute(f"SELECT g, {column}, count(DISTINCT p) FROM g WHERE v{quasi + at} IS NOT NULL GROUP BY ALL").fetchall()
        for g, value, n in rows:
            groups[g][1][at][value] = n
        rows = files.db.execute(f"SELECT {column}, count(DISTINCT p) FROM g WHERE v{quasi + at} IS NOT NULL GROUP BY ALL").fetchall()
        whole[1][at].update(rows)
    return list(groups.values()), whole


ROOM = 1e-9


def model_holds(model, groups, whole):
    """The models of docs/models.md by their definitions."""
    name, with_ = model["model"], model["with"]
    at = model["sensitive"]
    of = (lambda group: group[1][at]) if at is not None else (lambda group: {})
    total, everybody = of(whole), whole[0]
    share = lambda value: total.get(value, 0) / everybody
    gain = lambda n, persons, value: n / persons / share(value) - 1
    all_persons = sum(persons for persons, _ in groups)
    each = lambda test: all(test(of(group), group[0]) for group in groups)
    if name == "k":
        return each(lambda values, persons: persons >= with_["k"])
    if name == "prosecutor":
        return each(lambda values, persons: 1 / persons <= with_["risk"] + ROOM)
    if name == "prosecutor-share":
        exposed = sum(persons for persons, _ in groups if 1 / persons > with_["risk"] + ROOM)
        return exposed / max(all_persons, 1) <= with_["share"] + ROOM
    if name == "average-risk":
        return not groups or len(groups) / all_persons <= with_["risk"] + ROOM
    if name == "distinct-l":
        return each(lambda values, persons: len(values) >= with_["l"])
    if name == "entropy-l":
        def entropy(values):
            n = sum(values.values())
            return sum(-(v / n) * math.log(v / n) for v in values.values())
        return each(lambda values, persons: entropy(values) >= math.log(with_["l"]) - ROOM)
    if name == "recursive-cl":
        def recursive(values):
            counts = sorted(values.values(), reverse=True)
            return (counts or [0])[0] < with_["c"] * sum(counts[int(with_["l"]) - 1 :])
        return each(lambda values, persons: recursive(values))
    if name == "alpha-k":
        return each(
            lambda values, persons: persons >= with_["k"] and all(n / persons <= with_["alpha"] + ROOM for n in values.values())
        )
    if name == "basic-beta":
        return each(lambda values, persons: all(gain(n, persons, v) <= with_["beta"] + ROOM for v, n in values.items()))
    if name == "enhanced-beta":
        return each(
            lambda values, persons: all(
                gain(n, persons, v) <= min(with_["beta"], -math.log(share(v))) + ROOM for v, n in values.items()
            )
        )
    if name == "delta-disclosure":
        return each(
            lambda values, persons: len(values) == len(total)
            and all(abs(math.log(n / persons / share(v))) < with_["delta"] + ROOM for v, n in values.items())
        )
    if name == "t-closeness":
        def close(values):
            here, there = sum(values.values()), sum(total.values())
            apart = sum(abs(values.get(v, 0) / here - n / there) for v, n in total.items()) if here else 2
            return here > 0 and apart / 2 <= with_["t"] + ROOM
        return each(lambda values, persons: close(values))
    raise Wrong(f"the model {name} cannot be proved from the files of a release")


def number(text):
    """The exact number that a text is, or that a laboratory value holds (`>1000(+)`, `<0.5`, `3+(300)`); None if there is none."""
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    found = decimal(plain.strip())
    if found is not None:
        return found
    rest = "".join(plain.split())
    for sign in ("<=", ">=", "≦", "≤", "≧", "≥", "<", ">"):
        if rest.startswith(sign):
            rest = rest[len(sign) :]
            break
    else:
        for word in ("以上", "以下", "未満", "超"):
            if rest.endswith(word):
                rest = rest[: -len(word)]
                break
        else:
            if is_class(rest):
                return None
    found = decimal(rest)
    if found is not None:
        return found
    parts = re.fullmatch(r"([^(]*)\((.*)\)", rest, re.S)
    if not parts:
        return None
    if decimal(parts[1]) is not None and is_class(parts[2]):
        return decimal(parts[1])
    return decimal(parts[2]) if is_class(parts[1]) else None


def beside(text):
    """What stands beside the number of a laboratory value, and how it is written if that is not as usual; None for a plain number."""
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    if decimal(plain.strip()) is not None:
        return None
    rest = "".join(plain.split())
    words = {"≦": "<=", "≤": "<=", "≧": ">=", "≥": ">=", "以上": ">=", "以下": "<=", "未満": "<", "超": ">"}
    sign = ""
    for written in ("<=", ">=", "≦", "≤", "≧", "≥", "<", ">"):
        if rest.startswith(written):
            sign, rest = words.get(written, written), rest[len(written) :]
            break
    else:
        for written in ("以上", "以下", "未満", "超"):
            if rest.endswith(written):
                sign, rest = words[written], rest[: -len(written)]
                break
    parts = None if decimal(rest) is not None else re.fullmatch(r"([^(]*)\((.*)\)", rest, re.S)
    after, before = "", ""
    if parts and decimal(parts[1]) is not None:
        after = f"({parts[2]})"
    elif parts:
        before = parts[1]
    if not (sign or after or before):
        return None
    signs = lambda text: re.sub("[.,．，0-9０-９]", "", text)
    minus = "-" if number(text) < 0 else ""
    usual = signs(f"{sign}{before}({minus})" if before else f"{sign}{minus}{after}")
    return sign, before, after, "" if signs(text) == usual else signs(text)


def decimal(text):
    grouped = r"[0-9]{1,3}(?:,[0-9]{3})+"
    found = re.fullmatch(rf"([+-]?)((?:{grouped}|[0-9]*)(?:\.[0-9]*)?)(?:[eE]([+-]?[0-9]+))?", text)
    if not found or not re.search("[0-9]", found[2]):
        return None
    try:
        value = Decimal(found[1] + found[2].replace(",", "")).scaleb(int(found[3] or 0))
    except (InvalidOperation, ValueError):
        return None
    # More than 18 digits after the point, or more than 38 in all, are not read.
    digits = value.normalize().as_tuple()
    return value if digits.exponent >= -18 and len(digits.digits) + max(digits.exponent, 0) <= 38 else None


def is_class(text):
    inner = text[1:-1] if len(text) > 1 and text[0] == "(" and text[-1] == ")" else text
    words = ("陽性", "陰性", "NEG", "POS")
    signs = inner.lstrip("0123456789")
    plain = len(inner) - len(signs) <= 1 and 0 < len(signs) <= 4 and set(signs) <= set("+-±")
    return plain or inner in words


def are_codes(files, shape, column):
    """Whether the numbers of a column are to be taken for codes, by its values and their rows: docs/guarantees."""
    who = files.person(shape["table"])
    rows = files.db.execute(
        f"SELECT c{column}, count(*) FROM t{shape['table']} WHERE {who} IS NOT NULL AND c{column} IS NOT NULL GROUP BY c{column}"
    ).fetchall()
    whole, others = collections.Counter(), 0
    for text, n in rows:
        value = None if text in shape.get("specials", []) else number(text)
        if value is None:
            continue
        mark = beside(text)
        if value == value.to_integral_value() and not (mark and (mark[1] or mark[2])):
            whole[int(value)] += n
        else:
            others += n
    if not whole or others and others * 20 >= others + whole.total():
        return False
    if len(whole) <= 100 or any(abs(value) >= 10**18 for value in whole):
        return True
    values, counts = zip(*sorted(whole.items()))
    below = list(itertools.accumulate(counts))
    low, first, third, high = (values[next(at for at, n in enumerate(below) if n * 100 >= percent * below[-1])] for percent in (5, 25, 75, 95))
    middle = [value for value in values if first <= value <= third]
    if len(middle) <= 4 or 2 * (third - first) > high - low:
        return True
    step = math.gcd(*(b - a for a, b in zip(middle, middle[1:])))
    could = min((third - first) // step + 1, sum(whole[value] for value in middle))
    return 2 * len(middle) < could


def recount_floor(files, floor):
    """How many persons stand behind what a column shows; counted as far as the floor asks."""
    table, column, asked = floor["table"], floor["column"], floor["persons"]
    shape, who = files.structure["tables"][table], files.person(table)
    held = files.db.execute(
        f"SELECT c{column}, least(count(DISTINCT {who}), {int(asked)}) FROM t{table} WHERE {who} IS NOT NULL GROUP BY c{column}"
    ).fetchall()
    shown = {value: n for value, n in held if value is not None}
    must, few, numbers, marks = [], 0, collections.defaultdict(list), {}
    tails = floor.get("tails") and not (floor.get("ifMeasured") and are_codes(files, floor, column))
    for value, n in shown.items():
        found = number(value) if tails and value not in floor.get("specials", []) else None
        if found is None:
            must.append(n)
        else:
            numbers[found].append(n)
            few += n < asked
            marks[value] = beside(value)
    if numbers:
        low, high = min(numbers), max(numbers)
        # The tails at the ends are counted by themselves.
        tail = {
            value
            for value, mark in marks.items()
            if mark and not mark[1] and not mark[2] and (number(value), mark[0]) in ((high, ">="), (low, "<="))
        }
        classes = any(mark and (mark[1] or mark[2]) for mark in marks.values())
        who_has = collections.defaultdict(set)
        # Plain numbers are a category of their own only where others have a class.
        asked_for = {v: m for v, m in marks.items() if v not in tail and (m or classes)}
        if any(asked_for.values()):
            pairs = files.db.execute(f"SELECT DISTINCT c{column}, {who} FROM t{table} WHERE {who} IS NOT NULL").fetchall()
            for value, person in pairs:
                if value in asked_for:
                    who_has[asked_for[value]].add(person)
        must += [min(len(persons), asked) for persons in who_has.values()]
        must += numbers[min(numbers)] + numbers[max(numbers)]
    # Cells that are all missing show nothing; beside others, missing is a value as any.
    if shown:
        must += [n for value, n in held if value is None]
    smallest = min(must, default=None)
    found = {"table": shape["name"], "column": shape["columns"][column]["name"], "persons": asked}
    if tails:
        found["tails"] = True
    return {**found, "values": len(shown), "smallest": smallest, "few": few, "holds": smallest is None or smallest >= asked}


# Of so many persons with several filled cells one may show several values; measured numbers need so many.
ONE_IN, EVIDENCE = 20, 20


def steady_values(files, shape):
    """What each person shows in a column that is a fact of persons (a text, several as a tuple, or None), and whether that is sure; None if
    it is no such column."""
    who, column, table = files.person(shape["table"]), f"c{shape['column']}", shape["table"]
    persons = files.db.execute(
        f"SELECT {who}, list(DISTINCT {column}) FILTER ({column} IS NOT NULL), count({column}) FROM t{table} "
        f"WHERE {who} IS NOT NULL GROUP BY {who}"
    ).fetchall()
    several = [shown for _, shown, filled in persons if filled > 1]
    varying = sum(len(shown) > 1 for shown in several)
    if varying * ONE_IN > len(several):
        return None
    if shape.get("measured") and len(several) < EVIDENCE:
        if not (shape.get("ifMeasured") and are_codes(files, shape, shape["column"])):
            return None
    # By chance four times as many would show several values.
    rows = [n for _, n in files.db.execute(f"SELECT {column}, count({column}) FROM t{table} WHERE {who} IS NOT NULL GROUP BY {column}").fetchall()]
    if 4 * varying * sum(rows) ** 2 > len(several) * (sum(rows) ** 2 - sum(n * n for n in rows)):
        return None
    one = lambda shown: None if not shown else shown[0] if len(shown) == 1 else tuple(sorted(shown))
    values = {person: one(shown) for person, shown, _ in persons}
    sure = shape.get("byRow", False) or len(several) >= EVIDENCE
    # That a person shows nothing is a value too.
    return (values, sure) if len(set(values.values())) > 1 else None


def recount_steady(files):
    """What facts that are the same in all rows of a person make of the views that do not count them: docs/verify-yourself."""
    structure = files.structure
    place = lambda path: (path["table"], path["column"])
    counted = [{place(path) for path in view["quasi"] + view.get("facts", [])} for view in structure["views"]]
    facts = []
    for at, shape in enumerate(structure.get("steady", [])):
        found = steady_values(files, shape)
        if found is not None:
            facts.append((at, shape, *found))
    alone = [fact for fact in facts if not any(place(fact[1]) in places for places in counted)]
    most, beside = [None] * len(alone), []
    for view, places in zip(structure["views"], counted):
        if view["table"] is None or not facts:
            continue
        quasi = view["quasi"] + view.get("facts", [])
        also = [path for _, path in view.get("seemsCounted", [])]
        rows = files.db.execute(files.rows_with(view["table"], quasi + also)).fetchall()
        # A value that is a set is a list.
        plain = lambda value: tuple(value) if isinstance(value, list) else value
        pairs = {(row[0], tuple(map(plain, row[1 : 1 + len(quasi)]))) for row in rows}

        def divided(facts):
            classes = collections.Counter((key, *(values.get(p) for _, _, values, _ in facts)) for p, key in pairs)
            below = sum(n < view["k"] for n in classes.values())
            reasons = [shape.get("because") for _, shape, *_ in facts]
            reasons = [reason for at, reason in enumerate(reasons) if at == 0 or reason != reasons[at - 1]]
            split = {
                "view": view["name"],
                "k": view["k"],
                "classes": len(classes),
                "below": below,
                "because": None if None in reasons else "; ".join(reasons),
            }
            if any(sure for *_, sure in facts):
                split["sure"] = True
            names = " + ".join(shape["name"] for _, shape, *_ in facts)
            smallest = min(classes.values(), default=0)
            return (smallest, -below), {"column": names, "smallest": small(smallest), "split": split}

        for at, fact in enumerate(alone):
            rank, told = divided([fact])
            if told["split"]["below"] and (most[at] is None or rank < most[at][0]):
                most[at] = rank, told
        sure, every, differs = [], [], False
        for fact in facts:
            at, shape, values, _ = fact
            if not shape["quasi"] or place(shape) in places or fact in alone:
                continue
            every.append(fact)
            seems = [n for n, (other, _) in enumerate(view.get("seemsCounted", [])) if other == at]
            if not seems:
                sure.append(fact)
                continue
            for row in rows:
                shown, value = row[1 + len(quasi) + seems[0]], values.get(row[0])
                if isinstance(shown, list):
                    shown = None if not shown else shown[0] if len(shown) == 1 else tuple(sorted(shown))
                differs |= value is not None and shown is not None and value != shown
        taken = every if differs else sure
        if taken:
            _, told = divided(taken)
            if told["split"]["below"]:
                beside.append(told)
    return [told[1] for told in most if told] + beside


def recount_set(files, told):
    """Persons of every combination of up to m items that a person has."""
    who, item = files.person(told["table"]), f"c{told['column']}"
    files.db.execute(
        f"CREATE OR REPLACE TEMP TABLE s AS SELECT DISTINCT {who} AS p, {item} AS i FROM t{told['table']} "
        f"WHERE {who} IS NOT NULL AND {item} IS NOT NULL"
    )
    sizes, holds = [], True
    for size in range(1, told["m"] + 1):
        tables = ", ".join(f"s s{at}" for at in range(size))
        where = " AND ".join(
            ["true"] + [f"s{at}.p = s0.p AND s{at - 1}.i < s{at}.i" for at in range(1, size)]
        )
        keys = ", ".join(f"s{at}.i" for at in range(size))
        present, smallest = files.db.execute(
            f"SELECT count(*), min(n) FROM (SELECT count(*) AS n FROM {tables} WHERE {where} GROUP BY {keys})"
        ).fetchone()
        sizes.append({"items": size, "present": present, "smallest": smallest})
        holds &= smallest is None or smallest >= told["k"]
    return {"set": told["name"], "sizes": sizes, "holds": holds}


class Alone:
    """The rows of a view as numbers in DuckDB: the person, the class by the quasi-identifiers, a number for each further fact."""

    def __init__(self, files, view):
        self.db = files.db
        table, named = view["table"], view["unique"]["facts"]
        sure = len(named) - view["unique"].get("perhaps", 0)
        # Of the last ones those are left that are the same in all rows of a stay.
        perhaps = [(name, path) for name, path in named[sure:] if self.is_of_stays(files, path)]
        self.facts = [name for name, _ in named[:sure] + perhaps]
        facts = [path for _, path in named[:sure] + perhaps]
        who = files.person(table)
        quasi = view["quasi"] + view.get("facts", [])
        self.db.execute(f"CREATE OR REPLACE TEMP TABLE q AS {files.rows_with(table, quasi)}")
        keys = "".join(f", v{at}" for at in range(len(quasi)))
        values, joins = [], []
        for at, path in enumerate(facts):
            if path["by"] == "row":
                values.append(f"h.c{path['column']}")
                continue
            # A set is that of the rows of the same person, and with a token of that stay.
            here, there = (who, files.person(path["table"])) if path["by"] == "person" else (f"c{column}" for column in path["by"]["token"])
            other = files.person(path["table"])
            shown = f"list_sort(list(DISTINCT c{path['column']}))"
            if at >= sure:
                shown = f"CASE WHEN count(DISTINCT c{path['column']}) = 1 THEN {shown} ELSE ['several', 'values'] END"
            joins.append(
                f"LEFT JOIN (SELECT {there} AS k, {other} AS w, {shown} AS v FROM t{path['table']} "
                f"WHERE {there} IS NOT NULL AND c{path['column']} IS NOT NULL GROUP BY ALL) j{at} ON h.{here} = j{at}.k AND h.{who} = j{at}.w"
            )
            values.append(f"j{at}.v")
        named = "".join(f", {value} AS w{at}" for at, value in enumerate(values))
        self.db.execute(f"CREATE OR REPLACE TEMP TABLE w AS SELECT h.rowid AS r{named} FROM t{table} h {' '.join(joins)}")
        ranks = "".join(f", dense_rank() OVER (ORDER BY w{at}) AS f{at}" for at in range(len(facts)))
        self.db.execute(
            f"CREATE OR REPLACE TEMP TABLE u AS SELECT dense_rank() OVER (ORDER BY p) AS p, dense_rank() OVER (ORDER BY 0{keys}) AS c{ranks} "
            "FROM q JOIN w USING (r)"
        )
        self.rows, self.persons = self.db.execute("SELECT count(*), count(DISTINCT p) FROM u").fetchone()

    def is_of_stays(self, files, path):
        """Whether a column of events is the same in all rows of a stay: of 20 with several filled cells one may show several values,
        if by chance four times as many would."""
        table, column, key, who = path["table"], f"c{path['column']}", f"c{path['by']['token'][1]}", files.person(path["table"])
        filled = f"FROM t{table} WHERE {key} IS NOT NULL AND {who} IS NOT NULL AND {column} IS NOT NULL"
        several, varying = self.db.execute(
            f"SELECT count(*) FILTER (n > 1), count(*) FILTER (d > 1) FROM (SELECT count(*) AS n, count(DISTINCT {column}) AS d {filled} GROUP BY {key}, {who})"
        ).fetchone()
        rows = [n for (n,) in self.db.execute(f"SELECT count(*) {filled} GROUP BY {column}").fetchall()]
        square = sum(rows) ** 2
        return 20 * varying <= several and 4 * varying * square <= several * (square - sum(n * n for n in rows))

    def groups(self, facts):
        keys = ", ".join(["c", *(f"f{at}" for at in facts)])
        return f"SELECT count(*) AS n, count(DISTINCT p) AS d, min(p) AS p FROM u GROUP BY {keys}"

    def alone(self, facts):
        keys = ", ".join(["c", *(f"f{at}" for at in facts)])
        return self.db.execute(f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM u GROUP BY {keys} HAVING min(p) = max(p))").fetchone()[0]

    def singled(self, facts):
        rows, persons, guessed = self.db.execute(
            f"SELECT coalesce(sum(n) FILTER (d = 1), 0), count(DISTINCT p) FILTER (d = 1), coalesce(sum(n * 1000000 // d), 0) FROM ({self.groups(facts)})"
        ).fetchone()
        return {"rows": int(rows), "persons": persons, "guessed": int(guessed)}


# Rows times combinations that are counted where the policy sets no limit.
STEPS = 1 << 27


def combined(rows, facts, m, limited):
    passes = lambda n: facts + sum(math.comb(n, size) for size in range(2, m + 1))
    if limited:
        return facts
    least = min(m, facts)
    return next((n for n in range(facts, least - 1, -1) if passes(n) * rows <= STEPS), least)


def unique_of_view(files, view):
    """Whom the quasi-identifiers of a view and up to m further facts single out."""
    shape = view["unique"]
    m = shape["m"]
    sure = shape["facts"][: len(shape["facts"]) - shape.get("perhaps", 0)]
    found = {"view": view["name"], "rows": 0, "persons": 0, "m": m, "atMost": shape["atMost"], "facts": [name for name, _ in sure]}
    nobody = {"rows": 0, "persons": 0, "guessed": 0}
    if view["table"] is None:
        return {**found, "combined": 0, "alone": nobody, "byFact": [], "worst": [], "bySet": 0, "byRows": 0}
    rows = Alone(files, view)
    n = len(rows.facts)
    found.update(facts=rows.facts)
    found.update(rows=rows.rows, persons=rows.persons, combined=combined(rows.rows, n, m, shape["atMost"] is not None), alone=rows.singled([]))
    found["byFact"] = [rows.singled([at]) for at in range(n)]
    among = sorted(sorted(range(n), key=lambda at: (-found["byFact"][at]["rows"], at))[: found["combined"]])
    found["worst"] = []
    for size in range(1, m + 1):
        tried = ((at,) for at in range(n)) if size == 1 else itertools.combinations(among, size)
        # The first of those that leave most rows with one person.
        best = max(tried, key=lambda facts: (found["byFact"][facts[0]]["rows"] if size == 1 else rows.alone(facts), [-at for at in facts]), default=None)
        if best:
            found["worst"].append({"facts": list(best), "singled": rows.singled(best)})
    for name, lists in (("bySet", "list_sort(list(DISTINCT c))"), ("byRows", "list_sort(list(c))")):
        found[name] = files.one(f"SELECT count(*) FROM (SELECT 1 FROM (SELECT {lists} AS l FROM u GROUP BY p) GROUP BY l HAVING count(*) = 1)")
    return found


def recount_unique(files):
    structure = files.structure
    found = {"views": [unique_of_view(files, view) for view in structure["views"] if view.get("unique")], "tables": []}
    events = structure.get("events", [])
    counts = collections.defaultdict(lambda: [0] * len(events))
    for at, table in enumerate(events):
        who = files.person(table)
        held = files.db.execute(f"SELECT {who}, count(*) FROM t{table} WHERE {who} IS NOT NULL GROUP BY 1").fetchall()
        for person, n in held:
            counts[person][at] = n
        alone = sum(n == 1 for n in collections.Counter(n for _, n in held).values())
        found["tables"].append({"table": structure["tables"][table]["name"], "persons": len(held), "alone": alone})
    found["persons"] = len(counts)
    found["alone"] = sum(n == 1 for n in collections.Counter(map(tuple, counts.values())).values())
    return found


def exceeds(view):
    most = view["worst"][-1]["singled"] if view["worst"] else view["alone"]
    return view["atMost"] is not None and most["rows"] > view["atMost"] * view["rows"] + 1e-9


def found_by(values):
    """Persons of the anonymized release whose value nobody else of it has and exactly one person of the other has; and the share of its
    values that the other release has at all."""
    ours, theirs = (collections.Counter(values[kind].values()) for kind in KINDS)
    single = sum(n == 1 and ours[value] == 1 for value, n in theirs.items())
    there, everybody = sum(n for value, n in theirs.items() if value in ours), sum(theirs.values())
    return single, there / everybody if everybody else 0


def join_further(values, more):
    both = {}
    for kind in KINDS:
        persons = set(values[kind]) | set(more[kind])
        both[kind] = {person: (values[kind].get(person), more[kind].get(person)) for person in persons}
    return both


def recount_joins(files):
    """How far the two releases join by content. A value of a person is the multiset of the cells of a column, or how many rows a table
    has of the person; whoever has none has no value."""
    named = {kind: {shape["name"]: at for at, shape in enumerate(files[kind].structure["tables"])} for kind in KINDS}
    numbers, facts = [], []
    for table in sorted(set(named[KINDS[0]]) & set(named[KINDS[1]])):
        counted, plain = {}, {}
        for kind in KINDS:
            one, at = files[kind], named[kind][table]
            who = one.person(at)
            counted[kind] = dict(one.db.execute(f"SELECT {who}, count(*) FROM t{at} WHERE {who} IS NOT NULL GROUP BY 1").fetchall())
            columns = one.structure["tables"][at]["columns"]
            plain[kind] = {c["name"]: (at, n) for n, c in enumerate(columns) if not c.get("token")}
        numbers.append((table, counted))
        for column in sorted(set(plain[KINDS[0]]) & set(plain[KINDS[1]])):
            values = {}
            for kind in KINDS:
                one, (at, n) = files[kind], plain[kind][column]
                who = one.person(at)
                held = one.db.execute(
                    f"SELECT {who}, list_sort(list(c{n})) FROM t{at} WHERE {who} IS NOT NULL AND c{n} IS NOT NULL GROUP BY 1"
                ).fetchall()
                values[kind] = {person: tuple(cells) for person, cells in held}
            facts.append((f"{table}.{column}", values))
    persons = files["anonymized"].persons()
    rank = lambda features: sorted(features, key=lambda f: (-f[0], f[1].encode()))
    numbers = rank([(found_by(values)[0], name, values) for name, values in numbers])
    judged = [(*found_by(values), name, values) for name, values in facts]
    facts = rank([(single, name, values) for single, equal, name, values in judged if equal >= 0.5])

    def best(start, features):
        single, by, values = start
        for _, name, more in features[:16]:
            tried = more if values is None else join_further(values, more)
            n, _ = found_by(tried)
            if n > single:
                single, by, values = n, [*by, name], tried
        return single, by, values

    nothing = (0, [], None)
    by_facts, by_rows = best(nothing, facts), best(nothing, numbers)
    if by_facts[2] is not None and by_facts[0] >= by_rows[0]:
        both = best(by_facts, numbers)
    else:
        both = best(by_rows, facts) if by_rows[2] is not None else nothing
    told = lambda found: {"persons": found[0], "by": found[1]}
    worst = [{"persons": single, "by": [name]} for single, name, _ in facts if single > 0][:5]
    return {"persons": persons, "facts": told(by_facts), "rows": told(by_rows), "both": told(both), "columns": worst}


def small(n):
    return "<10" if 1 <= n <= 9 else str(n)


def links(folder, files):
    """The link keys: how many, and whether they are of persons of the release and in no table."""
    path = folder / LINKS
    if not path.exists():
        return None
    lines = read(path).decode().split("\n")
    check(lines[0] == "token,link_key" and lines[-1] == "", f"{LINKS} is not a file of tokens with their link keys")
    pairs = [line.split(",", 1) for line in lines[1:-1]]
    check(all(len(pair) == 2 and pair[1] for pair in pairs), f"{LINKS} is not a file of tokens with their link keys")
    tokens, keys = [pair[0] for pair in pairs], {pair[1] for pair in pairs}
    check(tokens == sorted(set(tokens)) and len(keys) == len(pairs), f"{LINKS} is not a file of tokens with their link keys")
    check(set(tokens) <= files["anonymized"].tokens(), f"{LINKS} names a person who is not in the release")
    for kind, one in files.items():
        for at, shape in enumerate(one.structure["tables"]):
            for column in range(len(shape["columns"])):
                cells = {row[0] for row in one.db.execute(f"SELECT DISTINCT c{column} FROM t{at}").fetchall()}
                check(not cells & keys, f"a cell of the {kind} release is a link key")
    return len(tokens)


# ---- the whole ------------------------------------------------------------------------------------------------------------


def verify_release(folder, trusted, ledger):
    manifest = read(folder / MANIFEST)
    listed = parse_manifest(manifest)
    present = tree(folder) - {MANIFEST}
    run_key = run_statement(folder, listed, manifest, trusted)
    same_files(listed, present, folder, BESIDE_MANIFEST)
    record = parse_json(read(folder / STATEMENT), STATEMENT)
    check(record.get("schema") in LEFT_OUT, f"{STATEMENT} is of an unknown form")
    signed_by_ = key_id(run_key) if run_key else None
    check(record.get("signedBy") == signed_by_, f"the record says that it is signed by another than {RUN}")
    state = state_of(folder, run_key, trusted)
    check(folder.resolve().name == record["release"], f"the folder does not have the name of its release, {record['release']}")
    entry = proof_of_entry(folder, record, run_key, trusted, ledger)
    if ledger is not None:
        ledger.holds_state(folder, record["release"], entry, state)
    balance(record)
    found = {"release": record["release"], "state": state, "entry": entry, "files": len(listed)}
    found.update(rows=[], persons=[], views=[], floors=[], sets=[])
    tables = {table["table"]: table["releases"] for table in record["tables"]}
    all_files = {}
    with tempfile.TemporaryDirectory(prefix="kakou-verify-") as scratch:
        for kind in KINDS:
            structure = record["structure"][kind]
            files = all_files[kind] = Files(folder, structure, scratch)
            rows = 0
            for at, shape in enumerate(structure["tables"]):
                told, what = tables[shape["name"]][kind], f"table {shape['name']}, {kind} release"
                check(files.rows(at) == told["rowsOut"], f"{what}: the rows are not as many as the record says")
                check(files.persons_of(at) == told["persons"], f"{what}: the persons are not as many as the record says")
                rows += files.rows(at)
            persons = files.persons()
            check(persons == record["persons"]["released"][kind], f"{kind}: the persons are not as many as the record says")
            found["rows"].append(rows)
            found["persons"].append(persons)
            for at, view in enumerate(structure["views"]):
                one = recount_view(files, view)
                check(one["holds"], f"view {view['name']}: k, l or a model does not hold")
                check(one == record["views"][at]["recounted"], f"view {view['name']}: the recount is not what the record says")
                found["views"].append(one)
            told = record["proof"].get("floors") or []
            shapes = structure.get("floors", [])
            check(kind != "anonymized" or len(told) == len(shapes), "the record tells of other floors")
            for at, floor in enumerate(shapes):
                one = recount_floor(files, floor)
                what = f"table {one['table']}, column {one['column']}"
                check(one["holds"], f"{what}: a value is shown for fewer than {floor['persons']} persons")
                check(one == told[at], f"{what}: the recount of its floor is not what the record says")
                found["floors"].append(one)
            if structure.get("steady"):
                steady = recount_steady(files)
                what = "facts that are the same in all rows of a person"
                check(steady == record["steady"], f"{what} make of the views what the record does not say")
                reasoned = all(told["split"]["because"] or not told["split"].get("sure") for told in steady)
                check(record["policy"].get("tier") != "public" or reasoned, f"{what} stand beside the views without a reason")
            for at, shape in enumerate(structure.get("sets", [])):
                one = recount_set(files, shape)
                check(one["holds"], f"set {shape['name']}: k does not hold")
                check(one == record["sets"][at]["recounted"], f"set {shape['name']}: the recount is not what the record says")
                found["sets"].append(one)
            if kind == "anonymized":
                one = recount_unique(files)
                check(not any(map(exceeds, one["views"])), "further facts leave one person in more rows than may be")
                # Records of older programs do not tell it.
                told = record.get("unique")
                check(told is None or told == one, "the rows that further facts single out are not those that the record says")
        joined, told = recount_joins(all_files), record["proof"].get("joins")
        check(told is None or told == joined, "how far the two releases join by content is not what the record says")
        linked, told = links(folder, all_files), record.get("linkKeys") or {}
        check(told.get("persons") == (None if linked is None else small(linked)), "the link keys are not those of the record")
        check(linked is None or told.get("release") == record["release"], "the link keys are not those of the record")
    return found


def verify_package(folder, kind, trusted):
    """What a recipient has: one release and its public statement."""
    name = f"record/{kind}.dsse.json"
    data = read(folder / name)
    subjects, told, runner = statement(data, name, "https://kakou.example/release/v1", trusted)
    listed = {path: (two, three) for path, two, three in subjects}
    carried = STATES[1:]
    same_files(listed, tree(folder) - {name}, folder, {"SHA256SUMS", "送付書.md", *(path for path, _, _ in carried)})
    # The approval and the seal name this statement by its digest; the run's own stays in the house.
    state, before, stranger = "staged", None, False
    for path, of, reached in carried:
        if not (folder / path).exists():
            continue
        said = read(folder / path)
        rests, predicate, key = statement(said, path, of, ())
        check(predicate.get("releases", {}).get(kind) == sha256(data), f"{path} is of another release")
        on = rests[2] if len(rests) > 2 else None
        check(on == before and (reached != "sealed" or before), f"{path} rests on statements that are missing or others")
        check(reached != "approved" or key != runner, f"{path} is signed by the one who made the release")
        stranger |= bool(trusted) and key not in trusted
        state, before = state if stranger else reached, subject_of(path, said)
    sums, note = folder / "SHA256SUMS", folder / "送付書.md"
    if sums.exists():
        lines = [line.partition("  ") for line in read(sums).decode().splitlines()]
        for digest, _, path in lines:
            check((folder / path).is_file() and digests(folder / path)[0] == digest, "SHA256SUMS is not of these files")
        check(not note.exists() or any(path == note.name for _, _, path in lines), "SHA256SUMS does not list the covering note")
    found = {"release": told["release"], "state": state, "package": kind, "files": len(listed)}
    with tempfile.TemporaryDirectory(prefix="kakou-verify-") as scratch:
        files = Files(folder, told["structure"], scratch)
        for at, shape in enumerate(told["structure"]["tables"]):
            table, what = told["tables"][at], f"table {shape['name']}"
            check(table["rows"] == small(files.rows(at)), f"{what}: the rows are not as many as the statement says")
            check(table["persons"] == small(files.persons_of(at)), f"{what}: the persons are not as many as the statement says")
        check(told["persons"] == small(files.persons()), "the persons are not as many as the statement says")
        if kind == "anonymized":
            links(folder, {kind: files})
        found.update(rows=[sum(files.rows(at) for at in range(len(told["structure"]["tables"])))], persons=[files.persons()])
    return found


def verify(options):
    folder = options.release
    trusted = [key for path in options.key for _, _, key in vkeys(path)]
    ledger = Ledger(options.ledger, trusted) if options.ledger else None
    for path in options.checkpoint:
        check(ledger is not None, "a checkpoint needs its ledger (--ledger)")
        ledger.goes_on_from(Note(read(path), str(path)), "the older checkpoint")
    if options.seen:
        check(ledger is not None and options.witness, "what a witness has seen needs --ledger and --witness")
        note = Note(read(options.seen), str(options.seen))
        for name, role, key in vkeys(options.witness):
            check(role == 4, "this is not the key of a witness")
            seconds = note.seen_by(name, key)
            datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        check(note.signers(ledger.keys + [e["key"] for e in ledger.entries]), "the ledger has not signed what the witness saw")
        ledger.goes_on_from(note, "what the witness has seen")
    if not (folder / MANIFEST).exists():
        for kind in KINDS:
            if (folder / f"record/{kind}.dsse.json").exists():
                check(ledger is None, "a recipient's package does not say where the run is entered")
                return verify_package(folder, kind, trusted)
    return verify_release(folder, trusted, ledger)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=pathlib.Path)
    parser.add_argument("--ledger", type=pathlib.Path)
    parser.add_argument("--key", action="append", default=[], type=pathlib.Path, help="a file of `kakou key public`")
    parser.add_argument("--checkpoint", action="append", default=[], type=pathlib.Path, help="an older checkpoint of the ledger")
    parser.add_argument("--seen", type=pathlib.Path, help="what a witness has cosigned")
    parser.add_argument("--witness", type=pathlib.Path, help="the witness's key (NAME+ID+KEY)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        found = verify(options)
    except Wrong as wrong:
        print(json.dumps({"holds": False, "wrong": str(wrong)}, ensure_ascii=False) if options.json else f"REFUSED: {wrong}")
        return 1
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError, OSError) as error:
        # A record that is not of the form that the document describes.
        line = error.__traceback__
        while line.tb_next:
            line = line.tb_next
        what = f"the record is not of the documented form ({type(error).__name__}, line {line.tb_lineno})"
        print(json.dumps({"holds": False, "wrong": what}) if options.json else f"REFUSED: {what}")
        return 1
    print(json.dumps({"holds": True, **found}, ensure_ascii=False) if options.json else report(found))
    return 0


def report(found):
    lines = [f"release {found['release']}: {found['files']} files are as they were sealed; state: {found['state']}"]
    lines.append(f"rows {found['rows']}, persons {found['persons']}")
    for view in found.get("views", []):
        lines.append(f"view {view['view']}: k = {view['smallest']} in {view['classes']} classes: holds")
    if found.get("floors"):
        lines.append(f"floors: {len(found['floors'])} columns: hold")
    for one in found.get("sets", []):
        lines.append(f"set {one['set']}: holds")
    if found.get("entry") is not None:
        lines.append(f"entry {found['entry']} of the ledger")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
