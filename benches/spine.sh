#!/usr/bin/env bash
# Claim: one release pair over 5 tables costs at most 4 times a plain polars copy of the same Parquet files, within --memory.
# Both sides run here, one after the other: `benches/spine.sh [persons] [memory]` (385000 persons are 15.2 million rows).
set -euo pipefail
cd "$(dirname "$0")/.."
persons=${1:-385000}
memory=${2:-8G}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release --quiet
kakou=target/release/kakou
. benches/spine_data.sh
spine_data "$kakou" "$work" "$persons"
cat > "$work/plain_copy.py" <<'PY'
import pathlib, resource, sys, time, polars as pl
work = pathlib.Path(sys.argv[1]); (work / "copy").mkdir(exist_ok=True)
start = time.monotonic(); rows = 0; before = resource.getrusage(resource.RUSAGE_SELF)
for path in sorted((work / "parquet").glob("*.parquet")):
    frame = pl.read_parquet(path); rows += frame.height
    frame.write_parquet(work / "copy" / path.name, compression="zstd", compression_level=3, row_group_size=250_000)
used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
print(f"{time.monotonic() - start:.2f} {rows} {used.ru_maxrss // 1024} {cpu:.2f}")
PY
cat > "$work/timed_run.py" <<'PY'
import resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{time.monotonic() - start:.2f} {used.ru_maxrss // 1024} {used.ru_utime + used.ru_stime:.2f}")
PY
read -r copy rows copy_mb copy_cpu < <("$work/venv/bin/python" "$work/plain_copy.py" "$work")
read -r pair pair_mb pair_cpu < <(python3 "$work/timed_run.py" "$kakou" run --quiet --policy benches/spine.toml --input "$work/parquet" --key "$work/key" --out "$work/out" --memory "$memory")
read -r copy2 _ _ copy2_cpu < <("$work/venv/bin/python" "$work/plain_copy.py" "$work")
python3 - "$rows" "$copy" "$copy2" "$copy_mb" "$pair" "$pair_mb" "$memory" "$copy_cpu" "$copy2_cpu" "$pair_cpu" <<'PY'
import sys
rows, copy, copy2, copy_mb, pair, pair_mb = [float(x) for x in sys.argv[1:7]]
best = min(copy, copy2)
copy_cpu, copy2_cpu, pair_cpu = [float(x) for x in sys.argv[8:11]]
cpu = min(copy_cpu, copy2_cpu)
print(f"rows {rows:,.0f}; polars copy {best:.2f} s, {copy_mb:,.0f} MB; kakou pair (with proof) {pair:.2f} s, {pair_mb:,.0f} MB at --memory {sys.argv[7]}")
print(f"processor: polars copy {cpu:.2f} s, kakou pair {pair_cpu:.2f} s, ratio {pair_cpu / cpu:.1f}")
print(f"ratio by the clock {pair / best:.1f}; {rows / pair:,.0f} rows a second")
PY
