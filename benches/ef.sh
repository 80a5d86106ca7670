#!/usr/bin/env bash
# Claim: intake of EF inpatient files in CP932 (decoding, splitting, types and special values, dictionaries) takes at most 1.5
# times a plain polars scan of the same rows in UTF-8 (all columns text, streaming engine). Both sides keep their columns in memory.
# Both run here in turn, each as the best of three: `benches/ef.sh [rows]`; POLARS names another version.
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${1:-10000000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# EF names a built bench; by default the release profile is built.
ours=${EF:-}
if [ -z "$ours" ]; then
  cargo build --release --bench ef --quiet
  ours=$(find target/release/deps -name 'ef-*' -type f -perm -u+x -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2)
fi
# About two million made-up rows of 31 columns, as six hospitals submit them, repeated until there are enough.
"$ours" write "$work" "$rows" > /dev/null
cat > "$work/scan.py" <<'PY'
import sys, time, polars as pl
start = time.monotonic()
scan = pl.scan_csv(sys.argv[1], separator="\t", has_header=False, infer_schema=False, quote_char=None)
frame = scan.collect(engine="streaming")
print(f"{time.monotonic() - start:.3f} {frame.height} {frame.width}")
PY
# Seconds, rows, then processor seconds of the whole process: on a shared machine these say more than the clock.
cat > "$work/cpu.py" <<'PY'
import resource, subprocess, sys
found = subprocess.run(sys.argv[1:], check=True, capture_output=True, text=True).stdout.split()
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(found[0], found[1], f"{used.ru_utime + used.ru_stime:.1f}", used.ru_maxrss // 1024)
PY
best() { for _ in 1 2 3; do "$@"; done | sort -n | head -1; }
read -r seconds read_rows cpu mb < <(best python3 "$work/cpu.py" "$ours" read "$work/ef.txt")
size=$(stat -c %s "$work/ef.txt")
python3 -c 'import sys
s, rows, cpu, mb, size = map(float, sys.argv[1:])
print(f"{rows:.0f} rows, {size / 1e6:.0f} MB in CP932")
print(f"kakou intake, CP932:      {s:.1f} s ({cpu:.1f} of processor), {rows / s / 1e6:.2f} million rows/s, {size / s / 1e6:.0f} MB/s, {mb:.0f} MB of memory")' \
  "$seconds" "$read_rows" "$cpu" "$mb" "$size"
if ! { python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet "polars==${POLARS:-1.35.2}"; }; then
  echo "polars is not there: no ratio was measured" >&2
  exit 2
fi
read -r plain plain_rows plain_cpu plain_mb < <(best python3 "$work/cpu.py" "$work/venv/bin/python" "$work/scan.py" "$work/ef_utf8.txt")
test "$plain_rows" = "$read_rows"
python3 - "$plain" "$plain_cpu" "$plain_mb" "$seconds" "$cpu" "$read_rows" <<'PY'
import sys
plain, plain_cpu, plain_mb, ours, cpu, rows = map(float, sys.argv[1:])
print(f"polars, UTF-8, text only: {plain:.1f} s ({plain_cpu:.1f} of processor), {rows / plain / 1e6:.2f} million rows/s, {plain_mb:.0f} MB of memory")
print(f"ratio {ours / plain:.2f} by the clock, {cpu / plain_cpu:.2f} by processor time (claim: at most 1.5 by the clock)")
sys.exit(0 if ours <= 1.5 * plain else 1)
PY
