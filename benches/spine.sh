#!/usr/bin/env bash
# Claim: one release pair over 5 tables costs at most 4 times a plain polars copy of the same Parquet files, within --memory.
# Both sides run here, one after the other: `benches/spine.sh [persons] [memory]` (385000 persons are about 10 million rows).
set -euo pipefail
cd "$(dirname "$0")/.."
persons=${1:-385000}
memory=${2:-8G}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release --quiet
kakou=target/release/kakou
"$kakou" synth --patients "$persons" --encoding utf8 --layouts csv --out "$work" --quiet
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet polars==1.35.2
"$work/venv/bin/python" - "$work" <<'PY'
import pathlib, sys, polars as pl
work = pathlib.Path(sys.argv[1])
(work / "parquet").mkdir()
for path in sorted((work / "csv").glob("*.csv")):
    pl.scan_csv(path, infer_schema_length=0).sink_parquet(work / "parquet" / (path.stem + ".parquet"), compression="zstd", compression_level=3, row_group_size=250_000)
PY
rm -rf "$work/csv"
cat > "$work/plain_copy.py" <<'PY'
import pathlib, resource, sys, time, polars as pl
work = pathlib.Path(sys.argv[1]); (work / "copy").mkdir(exist_ok=True)
start = time.monotonic(); rows = 0
for path in sorted((work / "parquet").glob("*.parquet")):
    frame = pl.read_parquet(path); rows += frame.height
    frame.write_parquet(work / "copy" / path.name, compression="zstd", compression_level=3, row_group_size=250_000)
print(f"{time.monotonic() - start:.2f} {rows} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")
PY
"$kakou" key new "$work/key" --quiet
cat > "$work/timed_run.py" <<'PY'
import resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[1:], check=True)
print(f"{time.monotonic() - start:.2f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024}")
PY
read -r copy rows copy_mb < <("$work/venv/bin/python" "$work/plain_copy.py" "$work")
read -r pair pair_mb < <(python3 "$work/timed_run.py" "$kakou" run --quiet --policy benches/spine.toml --input "$work/parquet" --key "$work/key" --out "$work/out" --memory "$memory")
read -r copy2 _ _ < <("$work/venv/bin/python" "$work/plain_copy.py" "$work")
python3 - "$rows" "$copy" "$copy2" "$copy_mb" "$pair" "$pair_mb" "$memory" <<'PY'
import sys
rows, copy, copy2, copy_mb, pair, pair_mb = [float(x) for x in sys.argv[1:7]]
best = min(copy, copy2)
print(f"rows {rows:,.0f}; polars copy {best:.2f} s, {copy_mb:,.0f} MB; kakou pair (with proof) {pair:.2f} s, {pair_mb:,.0f} MB at --memory {sys.argv[7]}")
print(f"ratio {pair / best:.1f}; {rows / pair:,.0f} rows a second")
PY
