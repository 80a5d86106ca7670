"""The sweep of tests/kills.sh: python kills.py KAKOU WORK"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

KAKOU, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
HOUSE, KEPT = WORK / "house", WORK / "kept"
CALLS = "mkdir rename renameat renameat2 linkat write fsync ftruncate unlink unlinkat rmdir flock".split()
# The policy of the tests' house.
POLICY = (pathlib.Path(__file__).parent / "common/small.toml").read_text()
environment = dict(os.environ, HOME=str(WORK / "home"))


def kakou(*arguments, fails=False, before=()):
    command = [*before, KAKOU, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode and not fails:
        sys.exit(f"{arguments}: {done.stderr}")
    return done


def at(name):
    return HOUSE / name


SIGN = ("--ledger", at("ledger"), "--sign", at("runner.key"))
RELEASE = at("out/r1")
KEY = ("key", "new", "--signing", at("next.key"))
APPROVE = ("approve", RELEASE, "--by", "b", "--ledger", at("ledger"), "--sign", at("board.key"))
SEAL = ("seal", RELEASE, *SIGN)
PACKAGE = ("package", RELEASE, "--kind", "anonymized", "--for", "X", "--address", "Y", "--recipient", "handler", "--contract", "C",
           "--out", at("give/x"), *SIGN)
PURGE = ("purge", "--project-key", at("project.key"), "--release", RELEASE, "--reason", "end", "--yes", *SIGN)


def house():
    at("data").mkdir(parents=True)
    lines = ["患者ID,氏名,保険者番号,性別,総点数"]
    for n in range(60):
        lines.append(f"P{n:05},患者{n:03}番さん,{31_000_000 + n * 7:08},{9 if n == 59 else 1 + n % 2},{1000 + n * 10}")
    at("data/stays.csv").write_text("\n".join(lines) + "\n")
    at("policy.toml").write_text(POLICY)
    kakou("key", "new", at("project.key"))
    for who in ("runner", "board"):
        kakou("key", "new", "--signing", at(f"{who}.key"))
        at(f"{who}.pub").write_text(kakou("key", "public", at(f"{who}.key")).stdout)
    kakou("ledger", "init", at("ledger"), "--name", "test.example/kakou", "--sign", at("runner.key"))
    kakou("ledger", "trust", at("ledger"), "--public-key", at("board.pub"), "--sign", at("runner.key"))
    kakou("policy", "approve", at("policy.toml"), "--approved", at("approved"), "--sign", at("board.key"), "--by", "b", "--reference", "1")
    kakou("run", "--quiet", "--policy", at("policy.toml"), "--input", at("data"), "--key", at("project.key"), "--out", at("out"),
          "--release-id", "r1", "--approved", at("approved"), *SIGN)
    kakou("verify", RELEASE, "--attest", "--sign", at("board.key"))


def copy(source, target):
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", source, target], check=True)


def ledger():
    """What is wrong with the ledger, after a repair if it was torn."""
    done = kakou("ledger", "verify", at("ledger"), fails=True)
    if "R0210" in done.stderr:
        kakou("ledger", "repair", *SIGN[1:])
        done = kakou("ledger", "verify", at("ledger"), fails=True)
    return done.stderr if done.returncode else ""


def states(kind):
    entries = json.loads(kakou("ledger", "list", at("ledger"), "--json").stdout)["entries"]
    return [entry["body"]["state"] for entry in entries if entry["kind"] == kind]


def hidden(folder):
    return sorted(path.name for path in at(folder).glob(".kakou*")) if at(folder).exists() else []


def state_is(state):
    done = kakou("verify", RELEASE, "--ledger", at("ledger"), fails=True)
    return "" if done.returncode == 0 and f"state: {state}" in done.stdout.splitlines() else done.stdout + done.stderr


def given():
    done = kakou("verify", at("give/x"), fails=True)
    # A note without its name yet is taken away when it is a minute old.
    left = [name for name in hidden("give") if not name.endswith(".new")]
    wrong = left or states("provision").count("done") != 1
    return done.stderr or (f"left {left}, {states('provision')}" if wrong else "")


def deleted():
    gone = ("project.key", ".project.key.kakou-purge", "out/r1", "out/.kakou-purge-r1", "out/r1.deleted/anonymized")
    left = [name for name in gone if at(name).exists()]
    kept = at("out/r1.deleted/record/statement.json").exists()
    return "" if not left and kept and states("deletion") == ["begun", "done"] else f"left {left}, {states('deletion')}"


def sweep(name, command, check, done_already=()):
    """Kills a command at every call. Gives how often, and how often the next one did not bring it to its end."""
    copy(HOUSE, KEPT)
    killed = bad = 0
    for call in CALLS:
        for number in range(1, 200):
            copy(KEPT, HOUSE)
            before = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
            if kakou(*command, fails=True, before=before).returncode == 0:
                break
            killed += 1
            wrong = ledger()
            if not wrong and not (command is PURGE and "done" in states("deletion")):
                again = kakou(*command, fails=True)
                fine = again.returncode == 0 or any(word in again.stderr for word in done_already)
                wrong = "" if fine else again.stderr
            wrong = wrong or check()
            if wrong:
                bad += 1
                print(f"{name}, {call} {number}: {wrong[:300]}")
    copy(KEPT, HOUSE)
    print(f"{name:<10} killed {killed:>4} times, not brought to its end {bad:>3} times", flush=True)
    return killed, bad


house()
found = [sweep("key new", KEY, lambda: "", ["K0107"])]
found.append(sweep("approve", APPROVE, lambda: state_is("approved"), ["approved already"]))
kakou(*APPROVE)
found.append(sweep("seal", SEAL, lambda: state_is("sealed"), ["sealed, not approved"]))
kakou(*SEAL)
found.append(sweep("package", PACKAGE, given, ["exists already"]))
found.append(sweep("purge", PURGE, deleted))
killed, bad = (sum(column) for column in zip(*found))
print(f"{killed - bad} passed, {bad} failed")
sys.exit(1 if bad or killed < 80 else 0)
