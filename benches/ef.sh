#!/usr/bin/env bash
# Claim: intake of EF inpatient files in CP932 (decoding, types, layout checks, identities) takes at most 1.5 times a plain
# polars scan of the same rows in UTF-8. `benches/ef.sh [rows]`; KAKOU names another program, POLARS another version.
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${1:-10000000}
kakou=${KAKOU:-target/release/kakou}
[ -n "${KAKOU:-}" ] || cargo build --release --quiet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A few thousand made-up stays, repeated until there are enough rows: 31 columns, as hospitals submit them.
"$kakou" synth --patients 3000 --years 1 --layouts dpc --clean --quiet --out "$work/synth"
cat "$work"/synth/dpc/EFn_*.txt > "$work/once.txt"
have=$(wc -l < "$work/once.txt")
for _ in $(seq $((rows / have))); do cat "$work/once.txt"; done > "$work/ef.txt"
head -n $((rows % have)) "$work/once.txt" >> "$work/ef.txt"
rm -rf "$work/synth" "$work/once.txt"
iconv -f CP932 -t UTF-8 "$work/ef.txt" > "$work/ef_utf8.txt"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "polars==${POLARS:-1.35.2}"
cat > "$work/scan.py" <<'PY'
import sys, time, polars as pl
start = time.monotonic()
frame = pl.read_csv(sys.argv[1], separator="\t", has_header=False, infer_schema_length=0, quote_char=None)
print(f"{time.monotonic() - start:.2f} {frame.height} {frame.width}")
PY
cat > "$work/timed.py" <<'PY'
import subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(f"{time.monotonic() - start:.2f}")
PY
read -r plain height width < <("$work/venv/bin/python" "$work/scan.py" "$work/ef_utf8.txt")
ours=$(python3 "$work/timed.py" "$kakou" layout check "$work/ef.txt" --layout dpc/ef-inpatient@2025)
python3 - "$plain" "$ours" "$height" "$width" "$(stat -c %s "$work/ef.txt")" <<'PY'
import sys
plain, ours, rows, width, size = (float(x) for x in sys.argv[1:])
print(f"{rows:.0f} rows x {width:.0f} columns, {size / 1e6:.0f} MB in CP932")
print(f"polars, UTF-8, text only: {plain:.1f} s, {rows / plain / 1e6:.2f} million rows/s")
print(f"kakou intake, CP932:      {ours:.1f} s, {rows / ours / 1e6:.2f} million rows/s, {size / ours / 1e6:.0f} MB/s")
print(f"ratio {ours / plain:.2f} (claim: at most 1.5)")
sys.exit(0 if ours <= 1.5 * plain else 1)
PY
