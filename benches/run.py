"""Runs all sides in turn and tells medians with their spread; called by benches/run.sh."""
import os, pathlib, re, shutil, statistics, subprocess, sys, threading, time

kakou, work, rounds = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
sizes = [int(n) for n in sys.argv[4:]]
skip = set(os.environ.get("SKIP", "").split())
rivals = pathlib.Path("benches/rivals")
python = sys.executable


def commands(data):
    files, out = data / "parquet", data / "out"
    run = lambda script, *words: [python, str(rivals / script), *words]
    return {
        "copy": run("plain_copy.py", str(files), str(out)),
        "kakou": [kakou, "run", "--quiet", "--policy", "benches/spine.toml", "--input", str(files), "--key", str(data / "key"), "--out", str(out), "--memory", "8G"],
        "polars pseudonymized": run("polars_release.py", "pseudo", str(files), str(out)),
        "polars anonymized": run("polars_release.py", "anon", str(files), str(out)),
        "duckdb pseudonymized": run("duckdb_release.py", "pseudo", str(files), str(out)),
        "duckdb anonymized": run("duckdb_release.py", "anon", str(files), str(out)),
        "pandas pseudonymized": run("pandas_release.py", str(files), str(out)),
    }


def timed(command, out):
    """Processor seconds of the process and its children, clock, peak of resident memory in MB, bytes written."""
    shutil.rmtree(out, ignore_errors=True)
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    told = []
    reader = threading.Thread(target=lambda: told.append(process.stderr.read()))
    reader.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command[:3])} ended with {process.returncode}:\n{told[0].decode()[-2000:]}")
    written = sum(f.stat().st_size for f in out.rglob("*") if f.is_file() and f.suffix in {".parquet", ".csv", ".txt"})
    return used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss / 1024, written


def rows(data):
    import pyarrow.parquet as pq
    return sum(pq.read_metadata(f).num_rows for f in (data / "parquet").glob("*.parquet"))


def in_turn(sides, out, what):
    """Runs all sides, round by round; each with its median and all that was seen."""
    seen = {name: [] for name in sides}
    for turn in range(rounds):
        for name, command in sides.items():
            seen[name].append(timed(command, out))
            print(f"{what}, round {turn + 1}: {name}: processor {seen[name][-1][0]:.2f} s, clock {seen[name][-1][1]:.2f} s", file=sys.stderr, flush=True)
    shutil.rmtree(out, ignore_errors=True)
    return {name: ([statistics.median(one[i] for one in each) for i in range(4)], each) for name, each in seen.items()}


def table(found):
    """Lines of a table in Markdown."""
    ours = found["kakou"][0][0]
    yield "| side | processor, s (lowest to highest) | clock, s | peak, MB | written, MB | kakou's processor time to this |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, ((cpu, clock, peak, written), each) in found.items():
        low, high = min(one[0] for one in each), max(one[0] for one in each)
        shown = "both releases, proof, record" if name == "kakou" else "one release" if " " in name else "no release"
        yield f"| {name} ({shown}) | {cpu:.2f} ({low:.2f}–{high:.2f}) | {clock:.2f} | {peak:,.0f} | {written / 1e6:.1f} | {ours / cpu:.2f} |"


report, series = [], {}
for persons in sizes:
    data = work / str(persons)
    subprocess.run([python, str(rivals / "postal_map.py"), str(data / "parquet")], check=True)
    count = rows(data)
    sides = {name: command for name, command in commands(data).items() if name.split()[0] not in skip}
    found = in_turn(sides, data / "out", f"{count:,} rows")
    series[count] = {name: middle[0] for name, (middle, _) in found.items()}
    report.append(f"\n{count:,} rows of {persons:,} persons, {rounds} rounds in turn:\n")
    report.extend(table(found))
if len(series) > 1:
    each = [(count, cpu["kakou"] / count) for count, cpu in series.items()]
    report.append("\nkakou's processor time a million rows: " + ", ".join(f"{1e6 * s:.2f} s of {count:,}" for count, s in each) + f"; the last to the first {each[-1][1] / each[0][1]:.2f}.")
dpc = work / "dpc"
if dpc.is_dir():
    files = dpc / "dpc"
    subprocess.run([kakou, "key", "new", str(dpc / "key"), "--quiet"], check=True)
    sides = {
        "kakou": [kakou, "run", "--quiet", "--policy", "kakou:dpc-hub", "--input", str(files), "--key", str(dpc / "key"), "--out", str(dpc / "out"), "--memory", "8G"],
        "polars pseudonymized": [python, str(rivals / "polars_dpc.py"), str(files), str(dpc / "out"), "EFn,EFg,Dn,Hn,FF1"],
    }
    found = in_turn(sides, dpc / "out", "DPC")
    size = sum(f.stat().st_size for f in files.rglob("*") if f.is_file())
    report.append(f"\n`kakou:dpc-hub`, {size / 1e6:.0f} MB of DPC files in CP932, {rounds} rounds in turn:\n")
    report.extend(table(found))
# A chart that any reader of Markdown shows: a bar a side, of the largest size.
count, largest = list(series.items())[-1]
longest = max(largest.values())
report.append(f"\n```text\nprocessor seconds, {count:,} rows")
for name, cpu in largest.items():
    report.append(f"{name:22} {'█' * max(1, round(50 * cpu / longest))} {cpu:.1f}")
report.append("```")
versions = re.findall(r"^(\S+)==(\S+)$", (rivals / "requirements.txt").read_text(), re.M)
head = f"Made by `benches/run.sh` (whole processes, start included): {os.cpu_count()} processors, load {os.getloadavg()[1]:.1f} over the last minutes; " + ", ".join(" ".join(v) for v in versions) + "."
text = "\n".join([head, *report])
print(text)
if os.environ.get("WRITE"):
    page = pathlib.Path("docs/benches.md")
    old = page.read_text()
    begin, end = "<!-- benches/run.sh -->", "<!-- end of benches/run.sh -->"
    before, _, rest = old.partition(begin)
    assert rest, f"{page} has no place for the figures"
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
