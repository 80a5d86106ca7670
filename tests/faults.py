"""The sweeps of tests/faults.sh: python faults.py KAKOU WORK [--long] [--no-disk] [CLASS...]"""

import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

KAKOU, WORK, *OPTIONS = sys.argv[1:]
WORK = pathlib.Path(WORK)
LONG, DISK = "--long" in OPTIONS, "--no-disk" not in OPTIONS
WANTED = [option for option in OPTIONS if not option.startswith("--")]
HOUSE, KEPT = WORK / "house", WORK / "kept"
# Calls that change something on the disk, or wait for others who do.
CHANGING = "mkdir,mkdirat,rename,renameat,renameat2,linkat,write,pwrite64,fsync,fdatasync,ftruncate,unlink,unlinkat,rmdir,flock,fchmod,chmod,utimensat"
# Calls that a sick disk fails. Not `close`: strace would leave the file open, which no kernel does.
FAILING = "openat,read,pread64,write,fsync,getdents64,mkdir,renameat,renameat2,unlink,statx,flock"
# The policy of the tests' house.
POLICY = (pathlib.Path(__file__).parent / "common/small.toml").read_text()
# What stands in the source alone, and must never be anywhere else.
CANARIES = [b"KARTE-CANARY", "番さん".encode(), "番さん".encode("cp932")]
environment = dict(os.environ, HOME=str(WORK / "home"), RUST_BACKTRACE="1")
chance = random.Random(13)
HUNG = 124


def kakou(*arguments, fails=False, before=(), **how):
    command = [*before, KAKOU, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False, timeout=60, **how)
    except subprocess.TimeoutExpired:
        done = subprocess.CompletedProcess(command, HUNG, "", "it did not end within a minute")
    if done.returncode and not fails:
        sys.exit(f"{arguments}: {done.stderr}")
    return done


def at(name):
    return HOUSE / name


SIGN = ("--ledger", at("ledger"), "--sign", at("runner.key"))
RELEASE = at("out/r1")
KEY = ("key", "new", "--signing", at("next.key"))
ROTATE = ("key", "rotate", at("runner.key"), at("later.key"), "--ledger", at("ledger"))
RUN = ("run", "--quiet", "--policy", at("policy.toml"), "--input", at("data"), "--key", at("project.key"), "--out", at("out"),
       "--approved", at("approved"), *SIGN)
RESUMED = (*RUN, "--resume", at("kept"))
APPROVE = ("approve", RELEASE, "--by", "b", "--ledger", at("ledger"), "--sign", at("board.key"))
SEAL = ("seal", RELEASE, *SIGN)
PACKAGE = ("package", RELEASE, "--kind", "anonymized", "--for", "X", "--address", "Y", "--recipient", "handler", "--contract", "C",
           "--out", at("give/x"), *SIGN)
LEDGER = ("ledger", "init", at("second"), "--name", "test.example/second", "--sign", at("runner.key"))
POLICY_APPROVE = ("policy", "approve", at("policy.toml"), "--approved", at("again"), "--sign", at("board.key"), "--by", "b", "--reference", "2")
STAMP = ("ledger", "stamp", at("ledger"), "--request", at("request.tsq"))
REVEAL = ("reveal", RELEASE, "--inquiry", "drug", "--reason", "the inquiry asks for it", "--reference", "12", "--by", "one", "--by", "two",
          "--escrow", at("project.escrow"), "--share", at("a.key"), "--share", at("b.key"), "--tokens", at("asked/tokens.txt"),
          "--candidates", at("asked/candidates.txt"), "--out", at("asked/answer.tsv"), *SIGN)
PURGE = ("purge", "--project-key", at("project.key"), "--release", RELEASE, "--reason", "end", "--yes", *SIGN)


def source(rows):
    lines = ["患者ID,氏名,保険者番号,性別,総点数"]
    for n in range(rows):
        lines.append(f"KARTE-CANARY-{n:05},患者{n:03}番さん,{31_000_000 + n * 7:08},{9 if n == 59 else 1 + n % 2},{1000 + n * 10}")
    return "\n".join(lines) + "\n"


def house():
    at("data").mkdir(parents=True)
    at("data/stays.csv").write_text(source(60))
    at("policy.toml").write_text(POLICY)
    kakou("key", "new", at("project.key"))
    for who in ("runner", "board"):
        kakou("key", "new", "--signing", at(f"{who}.key"))
        at(f"{who}.pub").write_text(kakou("key", "public", at(f"{who}.key")).stdout)
    kakou("ledger", "init", at("ledger"), "--name", "test.example/kakou", "--sign", at("runner.key"))
    kakou("ledger", "trust", at("ledger"), "--public-key", at("board.pub"), "--sign", at("runner.key"))
    kakou("policy", "approve", at("policy.toml"), "--approved", at("approved"), "--sign", at("board.key"), "--by", "b", "--reference", "1")
    kakou(*RUN, "--release-id", "r1")
    kakou("verify", RELEASE, "--attest", "--sign", at("board.key"))
    for share in "ab":
        kakou("key", "new", "--share", at(f"{share}.key"))
    kakou("key", "escrow", at("project.key"), "--share", at("a.key"), "--share", at("b.key"), "--out", at("project.escrow"))
    at("asked").mkdir()
    tokens = (RELEASE / "pseudonymized/stays.csv").read_text().splitlines()[1:4]
    at("asked/tokens.txt").write_text("".join(line.split(",")[0] + "\n" for line in tokens))
    at("asked/candidates.txt").write_text("".join(f"KARTE-CANARY-{n:05}\n" for n in range(60)))


def keep():
    shutil.rmtree(KEPT, ignore_errors=True)
    subprocess.run(["cp", "-a", HOUSE, KEPT], check=True)


def back():
    shutil.rmtree(HOUSE, ignore_errors=True)
    subprocess.run(["cp", "-a", KEPT, HOUSE], check=True)


def book():
    """What is wrong with the ledger, after a repair if it was torn."""
    done = kakou("ledger", "verify", at("ledger"), fails=True)
    if "R0210" in done.stderr:
        # By whoever may write: the old key, or the one that has taken its place.
        for key in ("runner.key", "later.key"):
            kakou("ledger", "repair", at("ledger"), "--sign", at(key), fails=True)
        done = kakou("ledger", "verify", at("ledger"), fails=True)
    return done.stderr if done.returncode else ""


def bodies(kind):
    entries = json.loads(kakou("ledger", "list", at("ledger"), "--json").stdout)["entries"]
    return [entry["body"] for entry in entries if entry["kind"] == kind]


def states(kind):
    return [body["state"] for body in bodies(kind)]


def leftovers():
    """Hidden files anywhere, and tickets of runs that do not live. A name that a second later run may not yet take away is told by
    its age: none is young enough, because the checks wait for no clock."""
    hidden = [path for path in HOUSE.rglob(".*")] + [path for path in at("ledger/open").glob("*")]
    return sorted(str(path.relative_to(HOUSE)) for path in hidden)


def spilled_cells():
    """Files outside the source in which a cell of the source stands."""
    found = []
    for path in HOUSE.rglob("*"):
        # Candidates and the answer are what a reveal is about.
        if path.is_file() and not {at("data"), at("asked")} & set(path.parents) and any(c in path.read_bytes() for c in CANARIES):
            found.append(str(path.relative_to(HOUSE)))
    return found


def releases():
    return [path for path in sorted(at("out").iterdir()) if not path.name.startswith(".")] if at("out").exists() else []


def partial():
    """Releases that stand and are not whole, or are not in the ledger."""
    for path in releases():
        done = kakou("verify", path, "--ledger", at("ledger"), fails=True)
        if done.returncode and not path.name.endswith(".deleted"):
            return f"{path.name} stands and does not verify: {done.stderr}"
    return ""


def told(done):
    """What is wrong with what the program said and how it ended."""
    text = (done.stdout + done.stderr).encode()
    if any(canary in text for canary in CANARIES):
        return "a cell is in a message"
    if b"panicked" in text or done.returncode in (HUNG, 101, 134, 139, -6, -11):
        return f"it broke ({done.returncode}): {done.stderr}"
    return ""


def state_is(state):
    done = kakou("verify", RELEASE, "--ledger", at("ledger"), fails=True)
    return "" if done.returncode == 0 and f"state: {state}" in done.stdout.splitlines() else done.stdout + done.stderr


def given():
    done = kakou("verify", at("give/x"), fails=True)
    return done.stderr or ("" if states("provision").count("done") == 1 else f"{states('provision')}")


def deleted():
    gone = ("project.key", "out/r1", "out/r1.deleted/anonymized")
    left = [name for name in gone if at(name).exists()]
    kept = at("out/r1.deleted/record/statement.json").exists()
    return "" if not left and kept and states("deletion") == ["begun", "done"] else f"left {left}, {states('deletion')}"


def rotated():
    events = [body["event"] for body in bodies("key")]
    done = kakou("ledger", "trust", at("ledger"), "--public-key", at("board.pub"), "--sign", at("later.key"), fails=True)
    return done.stderr or ("" if events.count("rotated") == 1 else f"{events}")


def ran():
    """As many releases stand as runs are entered that did not end otherwise: the first one, and one or two more."""
    ended = {body["release"] for kind in ("aborted", "refused") for body in bodies(kind)}
    entered = {body["release"] for body in bodies("run")} - ended
    stand = {path.name for path in releases()}
    return "" if entered == stand and len(stand) in (2, 3) else f"entered {sorted(entered)}, stand {sorted(stand)}"


def resumed():
    """As after a run, and nothing of what was kept is left."""
    return ran() or ("the kept work is left" if at("kept").exists() else "")


def second():
    return kakou("ledger", "verify", at("second"), fails=True).stderr


def policy_approved():
    before = RUN[1 : RUN.index("--approved")]
    done = kakou("run", "--dry-run", *before, "--approved", at("again"), fails=True)
    return done.stderr if done.returncode else ""


def asked():
    kept = list(at("ledger/stamps").glob("*.checkpoint"))
    return "" if len(kept) == 1 and at("request.tsq").stat().st_size == 59 else f"{kept}"


def answered():
    lines = at("asked/answer.tsv").read_text().splitlines()
    return "" if len(lines) == 3 and bodies("reveal") else f"{len(lines)} lines, {len(bodies('reveal'))} entries"


def made():
    return "" if at("next.key").exists() else "no key"


# Name, words, what must hold in the end, what the second time may say where the first has done all.
COMMANDS = [
    ("key new", KEY, made, ("K0107",)),
    ("key rotate", ROTATE, rotated, ("R0707", "R0204")),
    ("run", RUN, ran, ()),
    ("run --resume", RESUMED, resumed, ()),
    ("ledger init", LEDGER, second, ("R0203",)),
    ("ledger stamp", STAMP, asked, ()),
    ("policy approve", POLICY_APPROVE, policy_approved, ()),
    ("reveal", REVEAL, answered, ("exists already",)),
    ("approve", APPROVE, lambda: state_is("approved"), ("approved already",)),
    ("seal", SEAL, lambda: state_is("sealed"), ("sealed, not approved",)),
    ("package", PACKAGE, given, ("exists already",)),
    ("purge", PURGE, deleted, ()),
]
# What must have been done before.
BEFORE = {"seal": [APPROVE], "package": [APPROVE, SEAL], "purge": [APPROVE, SEAL]}


def afterwards(command, check, done_already, first):
    """What is wrong after a fault: looks, does it again, looks again."""
    # Between a state's entry and its file, and between a deletion's entries, the release says so itself.
    between = [APPROVE, SEAL, PURGE]
    wrong = told(first) or book() or ("" if command in between else partial())
    if wrong:
        return wrong
    cells = spilled_cells()
    if cells:
        return f"cells in {cells}"
    if not (command is PURGE and "done" in states("deletion")):
        again = kakou(*command, fails=True)
        wrong = told(again)
        if not wrong and again.returncode and not any(word in again.stderr for word in done_already):
            wrong = f"the second time: {again.stderr}"
    if not wrong:
        left = leftovers()
        wrong = book() or partial() or check() or (f"left {left}" if left else "")
    return wrong


def places(command, before, calls):
    """How often a command calls each: {call: number}, of the thread that calls most."""
    count = WORK / "count"
    kakou(*command, before=(*before, "strace", "-f", "-qq", "-o", count, "-e", f"trace={calls}"))
    seen = {}
    for line in count.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+) +(\w+)\(", line)
        if match:
            thread = seen.setdefault(match[2], {})
            thread[match[1]] = thread.get(match[1], 0) + 1
    back()
    return {call: max(threads.values()) for call, threads in seen.items()}


def sampled(all_places, most):
    """All of them in the long sweep; in the short one each call at its first, last and some places between."""
    if LONG or len(all_places) <= most:
        return all_places
    step = len(all_places) / most
    return [all_places[int(step * (n + 0.5))] for n in range(most)]


class Tally:
    """One line of the table."""

    def __init__(self, name):
        self.name, self.tried, self.failed, self.since = name, 0, 0, time.time()

    def add(self, where, wrong):
        self.tried += 1
        if wrong:
            self.failed += 1
            print(f"FAILED {self.name}, {where}: {wrong.strip()[:600]}", flush=True)

    def line(self):
        return f"{self.name:<34} {self.tried:>6} tried {self.failed:>4} failed {time.time() - self.since:>7.1f} s"


def each_command(tally_name):
    """Each command in a house where all before it was done."""
    for name, command, check, done_already in COMMANDS:
        house_for(name)
        yield Tally(f"{tally_name}: {name}"), command, check, done_already


def house_for(name):
    shutil.rmtree(HOUSE, ignore_errors=True)
    shutil.copytree(WORK / "first", HOUSE, copy_function=shutil.copy2)
    for before in BEFORE.get(name, []):
        kakou(*before)
    keep()


def kills():
    """Killed at every call that changes something."""
    for tally, command, check, done_already in each_command("killed"):
        found = places(command, (), CHANGING)
        points = [(call, n) for call in sorted(found) for n in range(1, found[call] + 1)]
        for call, number in sampled(points, 5):
            back()
            before = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
            first = kakou(*command, fails=True, before=before)
            tally.add(f"{call} {number}", afterwards(command, check, done_already, first))
        yield tally


def errors(error, calls, most, after=""):
    for tally, command, check, done_already in each_command(f"{error}{' from then on' if after else ''}"):
        found = places(command, (), calls)
        points = [(call, n) for call in sorted(found) for n in range(1, found[call] + 1)]
        for call, number in sampled(points, most):
            back()
            before = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}{after}")
            first = kakou(*command, fails=True, before=before)
            tally.add(f"{call} {number}", afterwards(command, check, done_already, first))
        yield tally


def descriptors():
    """No file descriptor left, at each number of them."""
    for tally, command, check, done_already in each_command("EMFILE"):
        for number in sampled(list(range(3, 40)), 4):
            back()
            limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
            first = kakou(*command, fails=True, preexec_fn=limit)
            tally.add(f"{number} descriptors", afterwards(command, check, done_already, first))
        yield tally


def full_disk():
    """A disk that is full after so many pages."""
    for tally, command, check, done_already in each_command("full disk"):
        for pages in sampled(list(range(0, 120)), 4):
            back()
            free = os.statvfs(WORK)
            with open(WORK / "filler", "wb") as filler:
                os.posix_fallocate(filler.fileno(), 0, max(1, (free.f_bavail - pages) * free.f_frsize))
            first = kakou(*command, fails=True)
            (WORK / "filler").unlink()
            tally.add(f"{pages} pages", afterwards(command, check, done_already, first))
        yield tally


def stopped(command, call, number):
    """Starts a command that stops at a call. Gives what runs it and its number; none if it never came there."""
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=STOP:when={number}", KAKOU]
    running = subprocess.Popen([*trace, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    while running.poll() is None:
        children = pathlib.Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        for child in children:
            if not stays(child):
                continue
            if pathlib.Path(f"/proc/{child}/exe").resolve() == pathlib.Path(KAKOU):
                return running, int(child)
        time.sleep(0.002)
    return running, None


def stays(child):
    """Whether it has really stopped, and is not in the hands of strace for a moment."""
    for _ in range(8):
        try:
            if pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "tT":
                return False
        except OSError:
            return False
        time.sleep(0.003)
    return True


def sources():
    """The ways in which a file changes: (name, what is done)."""
    file = at("data/stays.csv")
    whole = source(60)

    def replaced(text):
        beside = at("data.new")
        beside.write_text(text)
        os.replace(beside, file)

    return [
        ("another row", lambda: file.write_text(source(61))),
        ("cut", lambda: os.truncate(file, len(whole.encode()) // 2)),
        ("emptied", lambda: os.truncate(file, 0)),
        ("other cells", lambda: file.write_text(whole.replace(",1,", ",2,"))),
        ("replaced", lambda: replaced(whole.replace(",2,", ",1,"))),
        ("gone", file.unlink),
    ]


def changed():
    """The input changes while the run has stopped at one of its calls."""
    house_for("run")
    tally = Tally("input changed under the run")
    found = places(RUN, (), "openat,read")
    points = [("openat", n) for n in range(1, found["openat"] + 1)] + [("read", n) for n in range(1, found["read"] + 1)]
    every = [(point, way) for point in points for way in range(6)]
    chance.shuffle(every)
    for (call, number), way in every[: 600 if LONG else 12]:
        back()
        old = hashlib.sha3_256(at("data/stays.csv").read_bytes()).hexdigest()
        running, child = stopped(RUN, call, number)
        name, change = sources()[way]
        if child:
            change()
        for _ in range(600):
            try:
                # Again and again: it may stop a moment later than it seemed.
                if child:
                    os.kill(child, signal.SIGCONT)
                out, err = running.communicate(timeout=0.05 if child else 60)
                break
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                # It has ended; what traced it has not, for a moment.
                child = None
        first = subprocess.CompletedProcess(RUN, running.returncode, out, err)
        wrong = told(first) or partial()
        new = [path for path in releases() if path.name != "r1"]
        if not wrong and first.returncode == 0:
            # What is released is that of one state of the file, and says of which.
            now = at("data/stays.csv")
            states = [old] + ([hashlib.sha3_256(now.read_bytes()).hexdigest()] if now.exists() else [])
            record = (new[0] / "record/statement.json").read_text() if len(new) == 1 else ""
            if not any(state in record for state in states):
                wrong = "released, and the digest of its source is that of neither state"
        elif not wrong and (new or first.returncode not in (1, 3, 4)):
            wrong = f"ended with {first.returncode}: {first.stderr}"
        at("data/stays.csv").write_text(source(60))
        tally.add(f"{call} {number}, {name}", wrong or afterwards(RUN, lambda: "", (), first))
    yield tally


def together():
    """Twenty runs at a time into one folder with one ledger; in the second half some are killed."""
    tally = Tally("20 concurrent runs")
    for turn in range(12 if LONG else 2):
        house_for("run")
        killing = turn % 2
        same = ("--release-id", "same") if turn % 4 >= 2 else ()
        start = [subprocess.Popen([KAKOU, *map(str, RUN), *same, "--threads", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
                 for _ in range(20)]
        if killing:
            for running in start[::4]:
                time.sleep(chance.random() * 0.1)
                running.kill()
        ends = []
        for running in start:
            out, err = running.communicate(timeout=300)
            ends.append(subprocess.CompletedProcess((), running.returncode, out, err))
        good = sum(end.returncode == 0 for end in ends)
        wrong = next(filter(None, map(told, ends)), "")
        if not wrong and not killing and good != (1 if same else 20):
            wrong = f"{good} ended well: {[end.stderr for end in ends if end.returncode][:1]}"
        if not wrong and not killing and len(releases()) != 1 + good:
            wrong = f"{good} ended well, {len(releases())} stand"
        wrong = wrong or book() or partial()
        if not wrong:
            again = kakou(*RUN, fails=True)
            left = leftovers()
            wrong = again.stderr or partial() or (f"left {left}" if left else "")
        tally.add(f"turn {turn}", wrong)
    yield tally


CLASSES = {
    "kills": kills,
    "eio": lambda: errors("EIO", FAILING, 5),
    "enospc": lambda: errors("ENOSPC", "write,fsync,mkdir,openat,renameat,renameat2", 3, "+"),
    "emfile": descriptors,
    "full-disk": full_disk,
    "changed": changed,
    "together": together,
}


def main():
    house()
    shutil.copytree(HOUSE, WORK / "first", copy_function=shutil.copy2)
    lines = []
    for name, sweep in CLASSES.items():
        if WANTED and name not in WANTED or name == "full-disk" and not DISK:
            continue
        for tally in sweep():
            lines.append(tally)
            print(tally.line(), flush=True)
    tried, failed = sum(line.tried for line in lines), sum(line.failed for line in lines)
    print(f"{tried} faults tried, {failed} failed")
    # A sweep that tries nothing finds nothing.
    sys.exit(1 if failed or any(line.tried < 2 for line in lines) else 0)


main()
