"""Whether two verifiers agree: `kakou verify` and kakou_verify.py, on releases of several policies and on tampered copies of one.

    python tamper.py KAKOU WORK [DEMO]

Makes releases in WORK, asks both about each, then tampers with copies: both must refuse every one. Prints a table, exits with 1
where they disagree.
"""

import argparse
import base64
import collections
import contextlib
import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import kakou_verify

SMALL = (pathlib.Path(__file__).parent.parent / "common" / "small.toml").read_text(encoding="utf-8")

parser = argparse.ArgumentParser()
parser.add_argument("kakou", type=pathlib.Path)
parser.add_argument("work", type=pathlib.Path)
parser.add_argument("demo", type=pathlib.Path, nargs="?")
options = parser.parse_args()
work = options.work.resolve()
random.seed(13)


def kakou(*arguments, fails=False):
    done = subprocess.run([options.kakou.resolve(), *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0 and not fails:
        sys.exit(f"kakou {' '.join(map(str, arguments))}: {done.stderr}")
    return done


def ask_kakou(release, ledger, keys):
    arguments = ["verify", release, "--json"]
    arguments += ["--ledger", ledger] if ledger else []
    for key in keys:
        arguments += ["--public-key", key]
    done = kakou(*arguments, fails=True)
    if done.returncode not in (0, 1, 2, 3, 4):
        sys.exit(f"kakou verify ended with {done.returncode}: {done.stderr}")
    told = json.loads(done.stdout)
    return done.returncode == 0, told


def ask_python(release, ledger, keys):
    """In this process: a hundred starts of an interpreter would take longer than all the rest."""
    said = io.StringIO()
    sys.argv = ["kakou_verify.py", str(release), "--json"]
    sys.argv += ["--ledger", str(ledger)] if ledger else []
    for key in keys:
        sys.argv += ["--key", str(key)]
    with contextlib.redirect_stdout(said):
        code = kakou_verify.main()
    return code == 0, json.loads(said.getvalue())


# ---- releases -------------------------------------------------------------------------------------------------------------

failed, passed = [], 0


def agree(name, release, ledger=None, keys=()):
    """Both find the same: rows, persons, k, l, floors, state."""
    global passed
    ours, told = ask_kakou(release, ledger, keys)
    theirs, found = ask_python(release, ledger, keys)
    if not (ours and theirs):
        failed.append(name)
        print(f"{name:<34} kakou {ours} python {theirs}: {told.get('error', {}).get('what')} / {found.get('wrong')}")
        return
    both = ["pseudonymized", "anonymized"]
    kind = [found["package"]] if found.get("package") in both else both
    same = [told["rows"][k] for k in kind] == found["rows"] and [told["persons"][k] for k in kind] == found["persons"]
    same &= told["state"] == found["state"] and told["release"] == found["release"] and told["files"] == found["files"]
    same &= told["views"] == found.get("views", []) and told["floors"] == found.get("floors", [])
    passed += same
    if not same:
        failed.append(name)
    counts = f"{len(found.get('views', []))} views, {len(found.get('floors', []))} floors, {len(found.get('sets', []))} sets"
    print(f"{name:<34} {'agree' if same else 'DISAGREE'}: {found['files']} files, {sum(found['rows'])} rows, {counts}, {found['state']}")


def run(policy, data, out, name, *more):
    kakou("run", "--quiet", "--policy", policy, "--input", data, "--key", work / "project.key", "--out", out, "--release-id", name, *more)
    return out / name


def house():
    """Data, keys of a runner and a board, a ledger, and releases in several states."""
    (work / "data").mkdir()
    lines = ["患者ID,氏名,保険者番号,性別,総点数"]
    for n in range(60):
        lines.append(f"P{n:05},患者{n:03}番さん,{31_000_000 + n * 7:08},{9 if n == 59 else 1 + n % 2},{1000 + n * 10}")
    (work / "data/stays.csv").write_text("\n".join(lines) + "\n")
    (work / "small.toml").write_text(SMALL)
    kakou("key", "new", work / "project.key")
    for who in ("runner", "board", "third"):
        kakou("key", "new", "--signing", work / f"{who}.key")
        (work / f"{who}.pub").write_text(kakou("key", "public", work / f"{who}.key").stdout)
    sign = ("--sign", work / "runner.key")
    kakou("ledger", "init", work / "ledger", "--name", "test.example/kakou", *sign)
    kakou("ledger", "trust", work / "ledger", "--public-key", work / "board.pub", *sign)
    kakou("policy", "approve", work / "small.toml", "--approved", work / "approved", "--sign", work / "board.key", "--by", "b", "--reference", "1")
    entered = (*sign, "--ledger", work / "ledger", "--approved", work / "approved")
    for name in ("sealed", "staged", "approved", "purged", "scratch"):
        run(work / "small.toml", work / "data", work / "out", name, *entered)
    run(work / "small.toml", work / "data", work / "out", "plain")
    attest("sealed", "approved", "purged", "scratch")
    # The ledger as it was before the approvals, and another one of the same name.
    shutil.copytree(work / "ledger", work / "before")
    shutil.copytree(work / "ledger", work / "aside")
    approve("scratch", work / "aside")
    for name in ("sealed", "approved", "purged"):
        approve(name, work / "ledger")
    for name in ("sealed", "purged"):
        kakou("seal", work / "out" / name, "--ledger", work / "ledger", *sign)
    shutil.copytree(work / "out/purged", work / "restored")
    kakou("purge", "--release", work / "out/purged", "--reason", "end", "--ledger", work / "ledger", "--yes", *sign)
    give = ("--for", "X", "--address", "Y", "--contract", "C", "--ledger", work / "ledger", *sign)
    kakou("package", work / "out/sealed", "--kind", "anonymized", "--recipient", "handler", "--out", work / "anonymized", *give)
    kakou("package", work / "out/approved", "--kind", "pseudonymized", "--recipient", "certified-user", "--certification", "1",
          "--both-because", "test", "--out", work / "pseudonymized", *give)


def attest(*names):
    for name in names:
        kakou("verify", work / "out" / name, "--attest", "--sign", work / "board.key")


def approve(name, ledger):
    kakou("approve", work / "out" / name, "--by", "b", "--ledger", ledger, "--sign", work / "board.key")


# ---- tampering ------------------------------------------------------------------------------------------------------------


class Copy:
    """A copy of a release and its ledger to be tampered with."""

    def __init__(self, release):
        self.folder = work / "copy"
        shutil.rmtree(self.folder, ignore_errors=True)
        # Not the name but the ledger shall speak where a release came back from a backup.
        name = {"restored": "purged"}.get(release.name, release.name)
        self.release, self.ledger = self.folder / name, self.folder / "ledger"
        shutil.copytree(release, self.release)
        shutil.copytree(work / "ledger", self.ledger)

    def edit(self, path, change):
        path = self.folder / path if str(path).startswith("ledger/") else self.release / path
        before = path.read_bytes()
        after = change(before)
        assert after != before, path
        path.write_bytes(after)

    def relist(self):
        """The manifest made again from the files: what anyone can do where nobody has signed."""
        lines = []
        for line in (self.release / "record/MANIFEST").read_text().splitlines():
            path = line.split("  ", 3)[3]
            data = (self.release / path).read_bytes()
            lines.append(f"{hashlib.sha256(data).hexdigest()}  {hashlib.sha3_256(data).hexdigest()}  {len(data)}  {path}\n")
        (self.release / "record/MANIFEST").write_text("".join(lines))


def flip(data):
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def lines_of(change):
    return lambda data: b"".join(change(data.splitlines(keepends=True)))


def payload_of(change):
    """The payload of an envelope changed, the signature kept."""

    def edit(data):
        told = json.loads(data)
        value = json.loads(base64.b64decode(told["payload"]))
        change(value)
        told["payload"] = base64.b64encode(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()).decode()
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"

    return edit


def envelope_of(change):
    def edit(data):
        told = json.loads(data)
        change(told)
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"

    return edit


def json_of(change):
    def edit(data):
        value = json.loads(data)
        change(value)
        return json.dumps(value, ensure_ascii=False).encode()

    return edit


def cases():
    """(class, name, release, change)."""
    sealed, plain = work / "out/sealed", work / "out/plain"
    files = sorted(str(p.relative_to(sealed)) for p in sealed.rglob("*") if p.is_file())
    for path in files:
        yield "a byte flipped", path, sealed, lambda c, path=path: c.edit(path, flip)
    for path in files:
        yield "the last byte cut off", path, sealed, lambda c, path=path: c.edit(path, lambda data: data[:-1])
    for path in files:
        yield "a file taken away", path, sealed, lambda c, path=path: (c.release / path).unlink()
    for path in ("more.csv", "anonymized/more.csv", "record/.hidden", "pseudonymized/a/b.csv"):
        def add(c, path=path):
            (c.release / path).parent.mkdir(exist_ok=True)
            (c.release / path).write_text("x")
        yield "a file added", path, sealed, add
    yield "a file added", "a link", sealed, lambda c: (c.release / "record/link").symlink_to("MANIFEST")
    run = "record/run.dsse.json"
    other = "record/anonymized.dsse.json"
    swap = json.loads((sealed / other).read_bytes())["signatures"]
    for path in (run, "record/verification.dsse.json", "record/approval.dsse.json", "record/seal.dsse.json"):
        yield "a signature exchanged", path, sealed, lambda c, p=path: c.edit(p, envelope_of(lambda e: e.update(signatures=swap)))
    for name, change in (
        ("twice", lambda e: e["signatures"].append(e["signatures"][0])),
        ("none", lambda e: e["signatures"].clear()),
        ("another key's id", lambda e: e["signatures"][0].update(keyid="0" * 64)),
        ("another type", lambda e: e.update(payloadType="application/json")),
        ("a field more", lambda e: e.update(more=1)),
    ):
        yield "an envelope written otherwise", name, sealed, lambda c, change=change: c.edit(run, envelope_of(change))
    for name in ("run", "verification", "approval", "seal"):
        source = work / "out/approved" / f"record/{name}.dsse.json"
        source = source if source.exists() else work / "restored" / f"record/{name}.dsse.json"
        yield "a statement of another release", name, sealed, lambda c, s=source, n=name: shutil.copy(s, c.release / f"record/{n}.dsse.json")
    for name, change in (
        ("release", lambda v: v["predicate"].update(release="another")),
        ("persons", lambda v: v["predicate"]["accounting"]["persons"].update(read=1)),
        ("a digest", lambda v: v["subject"][0]["digest"].update(sha256="0" * 64)),
        ("a subject less", lambda v: v["subject"].pop()),
    ):
        yield "a signed statement edited", name, sealed, lambda c, change=change: c.edit(run, payload_of(change))
    for name, change in (
        ("lines swapped", lambda lines: [lines[1], lines[0], *lines[2:]]),
        ("a line twice", lambda lines: [lines[0], *lines]),
        ("a line less", lambda lines: lines[1:]),
        ("large letters", lambda lines: [lines[0].upper(), *lines[1:]]),
        ("an empty line", lambda lines: [*lines, b"\n"]),
    ):
        yield "the manifest edited", name, sealed, lambda c, change=change: c.edit("record/MANIFEST", lines_of(change))
    # Where nobody has signed, the manifest can be made again: the counts must speak.
    def count(*path, by=1):
        def change(record):
            for step in path[:-1]:
                record = record[step]
            record[path[-1]] += by
        return change
    table = ("tables", 0, "releases", "anonymized")
    for name, change in (
        ("rows of a table", count(*table, "rowsOut")),
        ("persons of a table", count(*table, "persons", by=-1)),
        ("rows removed", count(*table, "removed")),
        ("rows read", count("tables", 0, "rowsIn")),
        ("persons released", count("persons", "released", "anonymized", by=-1)),
        ("persons read", count("persons", "read")),
        ("k of a view", count("views", 0, "recounted", "smallest")),
        ("classes of a view", count("views", 0, "recounted", "classes")),
        ("a view holds", lambda r: r["views"][0]["recounted"].update(holds=False)),
        ("k asked for", lambda r: r["structure"]["anonymized"]["views"][0].update(k=31)),
        ("a floor", count("proof", "floors", 0, "smallest")),
        ("a floor's persons", lambda r: r["structure"]["anonymized"]["floors"][0].update(persons=31)),
        ("facts beside the views", lambda r: r.update(steady=[*r["steady"], *r["steady"]] or [{}])),
        ("a list", lambda r: r.update(exclusionLists=[{"listed": 2, "matched": 1, "matchedNobody": 0}])),
        ("signed by", lambda r: r.update(signedBy="0" * 64)),
        ("a ledger", lambda r: r.update(ledger="another.example/kakou")),
    ):
        def edit(c, change=change):
            c.edit("record/statement.json", json_of(change))
            c.relist()
        yield "a count edited, manifest made again", name, plain, edit
    for name, change in (
        ("a row less", lambda lines: lines[:-1]),
        ("a row twice", lambda lines: [*lines, lines[-1]]),
        ("a class of one", lambda lines: [*lines[:-1], lines[-1].replace(b",1,", b",7,").replace(b",2,", b",7,")]),
        ("a cell blanked", lambda lines: [*lines[:-1], lines[-1].rsplit(b",", 1)[0] + b",\n"]),
        ("another header", lambda lines: [lines[0].replace("性別".encode(), "年齢".encode()), *lines[1:]]),
        ("a cell more", lambda lines: [*lines[:-1], lines[-1].replace(b"\n", b",1\n")]),
    ):
        def edit(c, change=change):
            c.edit("anonymized/stays.csv", lines_of(change))
            c.relist()
        yield "a cell edited, manifest made again", name, plain, edit
    entries = "ledger/entries.jsonl"
    for name, change in (
        ("the first line less", lambda lines: lines[1:]),
        ("a line less", lambda lines: [*lines[:3], *lines[4:]]),
        ("the last line less", lambda lines: lines[:-1]),
        ("two lines swapped", lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]]),
        ("a line twice", lambda lines: [*lines, lines[-1]]),
        ("a part of a line", lambda lines: [*lines, lines[-1][:40]]),
        ("a release renamed", lambda lines: [*lines[:2], payload_of(lambda v: v["body"].update(release="x"))(lines[2]), *lines[3:]]),
    ):
        yield "the ledger edited", name, sealed, lambda c, change=change: c.edit(entries, lines_of(change))
    for path in (entries, "ledger/checkpoint"):
        for at in range(3):
            yield "the ledger edited", f"{path} flipped {at}", sealed, lambda c, path=path: c.edit(path, flip)
    proof = "record/run.tlog-proof"
    for name, change in (
        ("another index", lambda lines: [lines[0], b"index 0\n", *lines[2:]]),
        ("a hash less", lambda lines: [*lines[:2], *lines[3:]]),
        ("another size", lambda lines: [*lines[:-4], b"9\n", *lines[-3:]]),
        ("a signature line twice", lambda lines: [*lines, lines[-1]]),
    ):
        yield "the ledger's proof edited", name, sealed, lambda c, change=change: c.edit(proof, lines_of(change))
    def older(c):
        shutil.rmtree(c.ledger)
        shutil.copytree(work / "before", c.ledger)
    yield "states against the ledger", "a ledger from before the approval", sealed, older
    yield "states against the ledger", "approved in a scratch ledger", work / "out/scratch", lambda c: None
    yield "states against the ledger", "a release that was deleted", work / "restored", lambda c: None
    def renamed(c):
        c.release.rename(c.folder / "other")
        c.release = c.folder / "other"
    yield "the folder itself", "another name", sealed, renamed
    yield "the folder itself", "an empty folder", sealed, lambda c: (c.release / "anonymized/empty").mkdir()
    yield "the folder itself", "a file for everybody to write", sealed, lambda c: (c.release / "anonymized/stays.csv").chmod(0o666)
    yield "the folder itself", "a file that runs as its owner", sealed, lambda c: (c.release / "anonymized/stays.csv").chmod(0o4640)
    yield "the folder itself", "a second name of a file", sealed, lambda c: os.link(c.release / "record/MANIFEST", c.folder / "second")
    yield "the folder itself", "an extra file in the ledger", sealed, lambda c: (c.ledger / "more").write_text("x")
    for kind in ("anonymized", "pseudonymized"):
        package = work / kind
        files = sorted(str(p.relative_to(package)) for p in package.rglob("*") if p.is_file())
        for path in files:
            yield "a package: a byte flipped", f"{kind}: {path}", package, lambda c, path=path: c.edit(path, flip)
            if path.startswith(kind) or path.startswith("record"):
                yield "a package: a file taken away", f"{kind}: {path}", package, lambda c, path=path: (c.release / path).unlink()
        yield "a package: a file added", kind, package, lambda c: (c.release / "more.csv").write_text("x")


def tamper():
    global passed
    table = collections.OrderedDict()
    keys = [work / "runner.pub", work / "board.pub"]
    for group, name, release, change in cases():
        copy = Copy(release)
        change(copy)
        entered = (release / "record/run.ledger-entry.json").exists()
        ledger = copy.ledger if entered else None
        answers = [ask(copy.release, ledger, keys if entered else ()) for ask in (ask_kakou, ask_python)]
        accepted = [who for who, (holds, _) in zip(("kakou", "python"), answers) if holds]
        row = table.setdefault(group, [0, 0, 0])
        row[0] += 1
        row[1] += not answers[0][0]
        row[2] += not answers[1][0]
        if accepted:
            failed.append(f"{group}: {name}")
            print(f"ACCEPTED by {' and '.join(accepted)}: {group}: {name}")
        else:
            passed += 1
    print(f"\n{'tampered with':<40} {'copies':>7} {'kakou refused':>14} {'python refused':>15}")
    for group, row in [*table.items(), ("in all", [sum(column) for column in zip(*table.values())])]:
        print(f"{group:<40} {row[0]:>7} {row[1]:>14} {row[2]:>15}")


def main():
    work.mkdir(parents=True, exist_ok=True)
    house()
    keys = [work / "runner.pub", work / "board.pub"]
    for name in ("sealed", "approved", "staged"):
        agree(name, work / "out" / name, work / "ledger", keys)
    agree("not signed", work / "out/plain")
    for kind in ("anonymized", "pseudonymized"):
        agree(f"package, {kind}", work / kind, None, keys)
    if options.demo:
        (release,) = (options.demo / "releases").iterdir()
        agree("demo", release, options.demo / "ledger", [options.demo / "signing.pub"])
    signed = ("--sign", work / "runner.key", "--ledger", work / "ledger")
    kakou("synth", "--quiet", "--out", work / "csv", "--patients", 2000, "--hospitals", 2, "--layouts", "csv")
    agree("kakou:csv", run("kakou:csv", work / "csv/csv", work / "out", "csv", *signed), work / "ledger")
    for name, output in [
        ("Parquet", 'format = "parquet"'),
        ("Parquet with ends", 'format = "parquet"\nbounds = true'),
        ("plain CSV", 'cells = "normalized"'),
        ("workbooks", 'format = "xlsx"'),
    ]:
        policy = work / f"{name.replace(' ', '-')}.toml"
        policy.write_text(f'extends = "kakou:csv"\n[output]\n{output}\n')
        agree(f"kakou:csv as {name}", run(policy, work / "csv/csv", work / "out", policy.stem, *signed), work / "ledger")
    kakou("synth", "--quiet", "--out", work / "dpc", "--patients", 1000, "--hospitals", 6, "--layouts", "dpc", "--start", "2025-04-01", "--years", 1)
    agree("kakou:dpc-hub", run("kakou:dpc-hub", work / "dpc/dpc", work / "out", "dpc", *signed), work / "ledger")
    # Files in the form of their sources, several a table.
    page = (pathlib.Path(__file__).parents[2] / "docs/source-form.md").read_text(encoding="utf-8")
    policy = work / "source-form.toml"
    policy.write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    agree("kakou:dpc-hub as its source", run(policy, work / "dpc/dpc", work / "out", "source", *signed), work / "ledger")
    tamper()
    print(f"\n{passed} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


main()
