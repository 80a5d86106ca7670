#!/usr/bin/env bash
# Claim: both releases with their proof against what a careful script needs for one. All sides run here in turn, on the same files:
# a plain copy, kakou, polars and DuckDB (one release each, sorted by token as ours are), pandas as a hospital writes it.
#
#   benches/run.sh [rounds] [persons ...]     3 rounds of 25000 60000 385000 persons (1, 2.4 and 15.2 million rows)
#
# Then DPC files (DPC=5000 persons of six hospitals; DPC=0 for none) against a polars script that reads the same files for one release.
#
# Rivals come from the package registry with pinned versions. Prints medians with their spread, ratios, peak memory and bytes written,
# and with WRITE=1 puts them, with a chart, into docs/benches.md. SKIP="pandas duckdb" leaves sides out; KAKOU=FILE takes a program that is
# built already. benches/search.rs has the search beside the optima that ARX published.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
shift || true
persons=("$@")
[ ${#persons[@]} -gt 0 ] || persons=(25000 60000 385000)
work=$(mktemp -d "${TMPDIR:-/tmp}/kakou-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
kakou=${KAKOU:-target/release/kakou}
[ -n "${KAKOU:-}" ] || cargo build --release --quiet
. benches/spine_data.sh
for n in "${persons[@]}"; do
  mkdir "$work/$n"
  spine_data "$kakou" "$work/$n" "$n"
done
# The DPC files of six hospitals in CP932, without planted defects: the rival stops at the first.
[ "${DPC:-5000}" = 0 ] || "$kakou" synth --patients "${DPC:-5000}" --layouts dpc --clean --out "$work/dpc" --quiet
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet -r benches/rivals/requirements.txt
"$work/venv/bin/python" benches/run.py "$kakou" "$work" "$rounds" "${persons[@]}"
