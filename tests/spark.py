"""kakou.spark against one machine: `spark.py local|cluster FOLDER`, `spark.py large ROWS FOLDER`, `spark.py statistics TIMES FOLDER`."""

import base64
import csv
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import kakou
import kakou.spark
from kakou import _kakou
from kakou._hands import Measure
from pyspark import TaskContext
from pyspark.sql import SparkSession

REPOSITORY = Path(os.environ["KAKOU_REPOSITORY"])
TOKEN = re.compile(r"[0-9A-Z]{26}")


def new_key(folder):
    key = folder / "project.key"
    if not key.exists():
        _kakou.command(["key", "new", str(key)])
    return key


def session(master, name, **more):
    builder = SparkSession.builder.master(master).appName(name)
    settings = {
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "ERROR",
        **more,
    }
    for setting, value in settings.items():
        builder = builder.config(setting, value)
    return builder.getOrCreate()


def tables(folder, kind):
    base = folder / kind
    return {str(p.relative_to(base)): p for p in sorted(base.rglob("*.csv")) if "dictionary" not in p.name}


def rows_without_tokens(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sorted(tuple(cell for cell in row if not TOKEN.fullmatch(cell)) for row in csv.reader(file))


def equal(one, other, name):
    a, b = tables(one, "pseudonymized"), tables(other, "pseudonymized")
    assert a and a.keys() == b.keys(), name
    for table in a:
        assert a[table].read_bytes() == b[table].read_bytes(), f"{name}: pseudonymized {table}"
    a, b = tables(one, "anonymized"), tables(other, "anonymized")
    assert a and a.keys() == b.keys(), name
    for table in a:
        assert rows_without_tokens(a[table]) == rows_without_tokens(b[table]), f"{name}: anonymized {table}"
    said = [json.loads((f / "record/statement.json").read_text()) for f in (one, other)]
    for part in ("tables", "persons", "views", "sets", "floors", "steady", "unique"):
        assert said[0].get(part) == said[1].get(part), f"{name}: {part} of the statement"
    found = kakou.verify(other)
    assert all(view["holds"] for view in found.views), name
    print(f"equal: {name}, {len(a)} tables", flush=True)


def refused(code, call):
    try:
        call()
    except kakou.KakouError as error:
        assert error.code == code, (error.code, str(error))
        return error
    raise AssertionError(f"{code} was expected")


def dpc(folder, patients):
    """A made-up DPC hospital, and the shipped policy without the line that links numbers of several hospitals."""
    made = folder / "synth"
    if not made.exists():
        kakou.synth(made, patients=patients, seed=5, layouts=["dpc"])
    shipped = (REPOSITORY / "policies/dpc-hub.toml").read_text(encoding="utf-8")
    policy = folder / "dpc.toml"
    policy.write_text("".join(line for line in shipped.splitlines(True) if not line.startswith("same = ")), encoding="utf-8")
    return policy, made / "dpc"


def local(folder):
    key = new_key(folder)
    spark = session("local[2]", "local", **{"spark.ui.enabled": "false", "spark.local.dir": str(folder / "spark")})
    policy, data = REPOSITORY / "policies/clinosim.toml", folder / "clinosim"
    single = kakou.run(policy, input=data, key=key, out=folder / "one").folder
    for parts in (1, 12):
        made = kakou.spark.run(policy, spark=spark, input=data, key=key, out=folder / f"clinosim-{parts}", partitions=parts)
        equal(single, made.folder, f"clinosim, {parts} parts")

    # Data frames of Spark.
    small = (REPOSITORY / "tests/common/small.toml").read_text(encoding="utf-8")
    columns = ["患者ID", "氏名", "保険者番号", "性別", "総点数"]
    people = [
        (f"P{n:05d}", f"患者{n:03d}番さん", f"{31_000_000 + n * 7:08d}", "1" if n % 2 else "2", 1000 + n * 10) for n in range(60)
    ]
    frame = spark.createDataFrame(people, columns).repartition(3)
    by_pandas = kakou.run(small, tables={"stays": frame.toPandas()}, key=key, out=folder / "pandas").folder
    work = folder / "work"
    work.mkdir()
    made = kakou.spark.run(small, spark=spark, tables={"stays": frame}, key=key, out=folder / "frames", work=work, partitions=3)
    for table in ("stays.csv",):
        a, b = (f / "pseudonymized" / table for f in (by_pandas, made.folder))
        assert a.read_bytes() == b.read_bytes()
    assert not list(work.iterdir()), "clear tables were left"
    kakou.verify(made)

    # What is refused is refused with its code, wherever it is found; no cell in it, and nothing is left.
    shipped = REPOSITORY / "policies/dpc-hub.toml"
    policy, data = dpc(folder, 1500)
    out = folder / "refused"
    refused("C0408", lambda: kakou.spark.run(shipped, spark=spark, input=data, key=key, out=out))
    wrong = [(f"P{n:05d}", "canary-氏名", "31000000", "3", "canary-点数") for n in range(60)]
    error = refused("D0201", lambda: kakou.spark.run(small, spark=spark, tables={"stays": spark.createDataFrame(wrong, columns)}, key=key, out=out, partitions=3))
    assert "canary" not in str(error)
    assert not [left for left in out.iterdir() if not left.name.startswith(".")]

    single = kakou.run(policy, input=data, key=key, out=folder / "dpc-one").folder
    made = kakou.spark.run(policy, spark=spark, input=data, key=key, out=folder / "dpc-3", partitions=3)
    equal(single, made.folder, "DPC, 3 parts")
    spark.stop()


class Slow(Measure):
    """The first try of one task sleeps: another one of it is started meanwhile."""

    def __call__(self, batches):
        context = TaskContext.get()
        if context.partitionId() == 1 and context.attemptNumber() == 0:
            time.sleep(25)
        yield from super().__call__(batches)


def below(pid):
    """A process of ours and all that it started."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


class Cluster:
    """A standalone master with two workers on loopback."""

    def __init__(self, folder, memory="1g"):
        import pyspark

        self.home = Path(pyspark.__file__).parent
        self.folder = folder
        self.environment = {
            **os.environ,
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_DIRS": str(folder / "local"),
            "SPARK_WORKER_DIR": str(folder / "worker"),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        (folder / "local").mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.master = f"spark://127.0.0.1:{port}"
        self.processes = [self.start("master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")]
        # Two hosts of loopback: the twin of a slow task is never started beside it.
        self.workers = [self.start("worker.Worker", "--host", f"127.0.0.{n}", "--cores", "1", "--memory", memory, "--webui-port", "0", self.master, local=f"127.0.0.{n}") for n in (1, 2)]
        self.processes += self.workers

    def start(self, name, *arguments, local="127.0.0.1"):
        number = len(list(self.folder.glob("log-*")))
        log = (self.folder / f"log-{number}").open("wb")
        command = [self.home / "bin/spark-class", f"org.apache.spark.deploy.{name}", *arguments]
        return subprocess.Popen(command, env={**self.environment, "SPARK_LOCAL_IP": local}, stdout=log, stderr=log, start_new_session=True)

    def kill(self, process):
        for pid in below(process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                self.kill(process)


class Watched(kakou.spark._Driver):
    """Kills a worker in the middle, and looks at all that Spark has written while the run is still on."""

    cluster = None
    found = None
    rounds = 0
    looked = False

    def measure(self, draft):
        Watched.rounds += 1
        if Watched.rounds == 2:
            kakou.spark.Measure = Measure
            print("a worker is killed", flush=True)
            threading.Timer(0.7, Watched.cluster.kill, [Watched.cluster.workers[0]]).start()
        return super().measure(draft)

    def forget(self):
        Watched.looked = True
        Watched.found = search(self.spark, Watched.cluster.folder, Watched.needles)
        return super().forget()


def needles_of(key, data):
    """The project key as bytes, hex and base64 (at every offset), and cells of the source."""
    text = next(line for line in key.read_text().splitlines() if line.startswith("key "))
    raw = bytes.fromhex(text.split()[1])
    needles = {"key, raw": raw, "key, hex": raw.hex().encode(), "key, HEX": raw.hex().upper().encode()}
    for skip in range(3):
        some = raw[skip:]
        needles[f"key, base64 {skip}"] = base64.b64encode(some[: len(some) // 3 * 3])
    needles["key file"] = b"kakou-key-v1"
    for file in sorted(data.glob("*.csv")):
        with file.open(encoding="utf-8") as rows:
            for row in list(csv.DictReader(rows))[:60]:
                # Long enough that chance does not write it: numbers of patients, stays and orders, names, texts.
                cells = (cell for cell in row.values() if cell and len(cell) >= 9 and not re.fullmatch(r"[0-9TZ:. /-]*|[a-zA-Z_ -]*", cell))
                needles.update((f"cell {cell}", cell.encode()) for cell in cells)
    assert len(needles) > 100, len(needles)
    return needles


def search(spark, folder, needles):
    """Where a needle stands: in files of Spark (shuffle, cache, spill, work folders, logs, event log), its settings and its pages."""
    found, seen, control = [], 0, set()

    def look(where, content):
        nonlocal seen
        seen += len(content)
        # What must be found, or the search is blind.
        control.update((where, word) for word in (b"mapInArrow", b"MapInArrow", b"127.0.0.1") if word in content)
        found.extend((where, name) for name, needle in needles.items() if needle in content)

    kinds = set()
    for path in folder.rglob("*"):
        if path.is_file() and "clinosim" not in path.parts:
            try:
                look(str(path), path.read_bytes())
            except FileNotFoundError:
                continue
            kinds.add(path.name.split("_")[0])
    assert {"shuffle", "rdd"} <= kinds, kinds
    context = spark.sparkContext
    look("configuration", json.dumps(context.getConf().getAll()).encode())
    base = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}"
    for page in ("environment", "jobs", "stages?details=true", "sql?details=true&planDescription=true&length=100", "executors", "storage/rdd"):
        with urllib.request.urlopen(f"{base}/{page}") as answer:
            look(page, answer.read())
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            if b"spark" in (process.parent / "cmdline").read_bytes():
                look("environment of a process", process.read_bytes())
                look("arguments of a process", (process.parent / "cmdline").read_bytes())
        except OSError:
            continue
    assert {where.partition("?")[0] for where, _ in control} >= {"sql", "configuration"}, control
    assert any("events" in where for where, _ in control), control
    print(f"searched {seen >> 10} KiB for {len(needles)} needles", flush=True)
    return found


def cluster(folder):
    key = new_key(folder)
    policy, data = REPOSITORY / "policies/clinosim.toml", folder / "clinosim"
    single = folder / "one"
    single = next(p for p in single.iterdir() if not p.name.startswith(".")) if single.exists() else kakou.run(policy, input=data, key=key, out=single).folder
    cluster = Cluster(folder / "cluster")
    try:
        events = folder / "cluster/events"
        events.mkdir()
        spark = session(
            cluster.master,
            "cluster",
            **{
                "spark.executor.memory": "700m",
                "spark.eventLog.enabled": "true",
                "spark.eventLog.dir": events.as_uri(),
                "spark.eventLog.compress": "false",
                "spark.ui.port": "0",
                "spark.speculation": "true",
                "spark.speculation.multiplier": "1.5",
                "spark.speculation.quantile": "0.5",
                "spark.speculation.interval": "200ms",
                "spark.speculation.minTaskRuntime": "2s",
                "spark.local.dir": str(folder / "cluster/driver"),
            },
        )
        needles = Watched.needles = needles_of(key, data)
        Watched.cluster = cluster
        kakou.spark._Driver, kakou.spark.Measure = Watched, Slow
        slow_from = time.time()
        made = kakou.spark.run(policy, spark=spark, input=data, key=key, out=folder / "cluster-out", partitions=4)
        print(f"with a killed worker and a slow task: {time.time() - slow_from:.0f} s", flush=True)
        assert Watched.looked and Watched.rounds > 3
        assert cluster.workers[0].poll() is not None
        assert not Watched.found, Watched.found
        equal(single, made.folder, "clinosim, two workers, one killed, speculation")
        said = json.loads((made.folder / "record/statement.json").read_text())
        assert "in the memory of its processes: overwritten in each" in json.dumps(said), "the destruction is not told"
        spark.stop()
        told = b"".join(path.read_bytes() for path in events.rglob("*") if path.is_file())
        assert b"SparkListenerTaskEnd" in told
        assert b'"Speculative":true' in told, "no task was started twice"
        left = [name for name, needle in needles.items() if needle in told]
        assert not left, left
    finally:
        cluster.stop()


def large(rows, folder):
    """A table of so many rows of persons with ten stays each, by one machine and by two executors of 1 GB: time and equality."""
    from multiprocessing import Process

    folder.mkdir(parents=True, exist_ok=True)
    key = new_key(folder)
    data = folder / "data"
    if not data.exists():
        writers = [Process(target=made_up, args=(data, rows, at)) for at in range(8)]
        data.mkdir()
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    policy = folder / "policy.toml"
    policy.write_text(POLICY, encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_SELF)
    begun = time.time()
    single = kakou.run(policy, input=data, key=key, out=folder / "one", memory="4G", release_id=f"one-{int(begun)}").folder
    after = resource.getrusage(resource.RUSAGE_SELF)
    alone = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"one machine: {time.time() - begun:.0f} s, {alone:.0f} s of processors", flush=True)
    cluster = Cluster(folder / f"cluster-{int(begun)}", memory="1500m")
    try:
        spark = session(cluster.master, "large", **{"spark.executor.memory": "1g", "spark.driver.memory": "3g", "spark.driver.maxResultSize": "2g", "spark.ui.enabled": "false", "spark.local.dir": str(cluster.folder / "driver")})
        begun = time.time()
        timed = Timed(cluster)
        kakou.spark._Driver = timed.driver
        made = kakou.spark.run(policy, spark=spark, input=data, key=key, out=folder / "spark", partitions=max(4, rows // 500_000), release_id=f"spark-{int(begun)}")
        timed.room("write, prove, seal")
        print(f"Spark: {time.time() - begun:.0f} s", flush=True)
        timed.tell(alone)
        spark.stop()
        same = all(
            (single / "pseudonymized" / f).read_bytes() == (made.folder / "pseudonymized" / f).read_bytes() for f in ("stays.csv",)
        )
        assert same, "the pseudonymized releases differ"
        sums = [rows_sum(f / "anonymized/stays.csv") for f in (single, made.folder)]
        assert sums[0] == sums[1], "the anonymized releases differ"
        kakou.verify(made)
        print("equal and verified", flush=True)
    finally:
        cluster.stop()


def statistics(times, folder):
    """What docs/scale.md tells of the driver: statistics of four parts, merged as often as makes them those of very many persons (a part
    that is merged again is other persons with the same values), and frozen for real."""

    class Enough(Exception):
        pass

    class Hands:
        rows = 0

        def __init__(self, arguments):
            self.arguments, self.blocks = arguments, {}

        def begin(self, run, key):
            self.run = run

        def read(self, giver, tasks):
            asking = _kakou.Asking(self.arguments, self.run)
            self.hand = asking.enter(giver.answer(asking.hello()), 1 << 30)
            told = []
            for part, piece in self.hand.read(tasks, 4):
                told.append(piece) if part < 0 else self.blocks.setdefault(part, []).append(piece)
            return told, 4

        def each(self):
            yield from self.blocks.items()

        def measure(self, draft):
            parts = [self.hand.measure(draft, part, blocks) for part, blocks in self.blocks.items()]
            begun, before = time.time(), cpu([os.getpid()])
            # A tree, as Spark has it: a few hundred at a time, then those.
            left, merged = times, []
            while left:
                some = min(left, 64)
                merged.append(self.hand.merge(draft, parts * some))
                left -= some
            all_merged = self.hand.merge(draft, merged)
            status = Path("/proc/self/status").read_text()
            now, most = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) >> 10 for name in ("VmRSS", "VmHWM"))
            print(f"{len(parts[0])} | {len(all_merged)} | {time.time() - begun:.0f} | {cpu([os.getpid()]) - before:.0f} | {now} | {most}", flush=True)
            return [all_merged]

        def apply(self, frozen):
            print(f"frozen: {len(frozen)} bytes", flush=True)
            raise Enough

        def forget(self):
            return self.hand.forget()

    key = new_key(folder)
    data = folder / "one-file"
    data.mkdir(exist_ok=True)
    if not (data / "stays-0.csv").exists():
        (data / "stays-0.csv").write_bytes((folder / "data/stays-0.csv").read_bytes())
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    arguments = ["--policy", str(folder / "policy.toml"), "--input", str(data), "--key", str(key), "--out", str(folder / "statistics")]
    with (data / "stays-0.csv").open("rb") as file:
        rows = sum(1 for _ in file) - 1
    print(f"{rows * times} rows, {rows * times // 10} persons; a round: bytes of a part of {rows // 4} rows | merged | seconds | of processors | MiB | most", flush=True)
    try:
        _kakou.run_apart(arguments, Hands(arguments), None)
    except Enough:
        return


def rows_sum(path):
    """Rows without their tokens, whatever their order."""
    import hashlib

    total, count = 0, 0
    with path.open("rb") as file:
        for line in file:
            rest = re.sub(rb"(^|,)[0-9A-Z]{26}(?=,|\r|\n|$)", b"", line)
            total = (total + int.from_bytes(hashlib.blake2b(rest, digest_size=16).digest(), "big")) % (1 << 128)
            count += 1
    return total, count


def cpu(pids):
    """Seconds of processors of some processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(n) for n in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


class Timed:
    """Seconds of processors by room: of the driver (Python and JVM), of the executors' JVMs, of their Python workers."""

    def __init__(self, cluster):
        self.cluster, self.rooms, self.order = cluster, {}, []
        self.last, self.now = self.sums(), "check"
        timed = self

        class Driver(kakou.spark._Driver):
            def read(self, giver, tasks):
                timed.room("check")
                told = super().read(giver, tasks)
                timed.room("read")
                return told

            def measure(self, draft):
                timed.room("look" if "measure" not in timed.rooms else "freeze on the driver")
                made = super().measure(draft)
                timed.room("measure")
                timed.rounds += 1
                return made

            def apply(self, frozen):
                timed.room("freeze on the driver")
                told = super().apply(frozen)
                timed.room("apply and sort")
                return told

            def forget(self):
                timed.room("fetch")
                return super().forget()

        self.driver, self.rounds = Driver, 0

    def sums(self):
        mine = below(os.getpid())
        clusters = [pid for process in self.cluster.processes for pid in below(process.pid)]
        python = [pid for pid in clusters if b"pyspark.daemon" in command(pid)]
        return time.time(), [cpu([p for p in mine if p not in clusters]), cpu([p for p in clusters if p not in python]), cpu(python)]

    def room(self, name):
        now, sums = self.sums()
        then, before = self.last
        kept = self.rooms.setdefault(name, [0.0, 0.0, 0.0, 0.0])
        kept[0] += now - then
        for at, (a, b) in enumerate(zip(sums, before)):
            kept[at + 1] += max(0.0, a - b)
        self.last = (now, sums)

    def tell(self, alone):
        print("room | seconds | driver | executors' JVMs | Python workers", flush=True)
        whole = 0.0
        for name, (wall, *used) in self.rooms.items():
            whole += sum(used)
            print(f"{name} | {wall:.0f} | {used[0]:.0f} | {used[1]:.0f} | {used[2]:.0f}", flush=True)
        print(f"{self.rounds} rounds; {whole:.0f} s of processors, {whole / alone:.2f} times one machine", flush=True)


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


POLICY = """[policy]
id = "large"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "research"
suppress = { unit = "row", at_most = 0.2 }
[[anonymized.view]]
name = "stay"
grain = "stays"
quasi = ["stays.sex", "stays.postal", "stays.admitted"]
k = 10
[not_applicable]
"18-2" = "none"
"33-2" = "none"
"33-3" = "none"
[tables.stays]
grain = "event"
source = { path = "stays-*.csv" }
keys = { patient = "id" }
[tables.stays.columns]
id = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
name = { role = "direct", pseudonymized = "drop", anonymized = "drop" }
sex = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
postal = { role = "quasi", code = "postal", pseudonymized = { generalize = "prefecture" }, anonymized = { generalize = "region" } }
admitted = { role = "quasi", type = "date", kind = "event", pseudonymized = "shift_date", anonymized = { truncate_date = "year" } }
disease = { role = "payload", code = "icd10", pseudonymized = "keep", anonymized = { rare = { below = 10 } } }
days = { role = "payload", type = "integer", pseudonymized = "keep", anonymized = { round = { step = 3, tails = 10 } } }
"""


def made_up(folder, rows, at):
    import random

    draw = random.Random(at)
    diseases = [f"{letter}{number:02d}{end}" for letter in "ABCEIJKN" for number in range(0, 99, 7) for end in ("", "0", "9")]
    postals = ["1358139", "0600001", "5300001", "1000001", "4600008", "8120011", "9800021", "7300011"]
    with (folder / f"stays-{at}.csv").open("w", encoding="utf-8") as file:
        file.write("id,name,sex,postal,admitted,disease,days\n")
        for person in range(at * rows // 80, (at + 1) * rows // 80):
            head = f"P{person:09d},made up {person:09d} name,{draw.randint(1, 2)},{draw.choice(postals)}"
            for _ in range(10):
                file.write(f"{head},{draw.randint(2021, 2025)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d},{draw.choice(diseases)},{draw.randint(1, 60)}\n")


if __name__ == "__main__":
    if sys.argv[1] in ("large", "statistics"):
        {"large": large, "statistics": statistics}[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
    else:
        {"local": local, "cluster": cluster}[sys.argv[1]](Path(sys.argv[2]))
