#!/bin/sh
# How far the two releases of shipped policies join by content (docs/joins.md): made-up data of 3,000 patients.
# Usage: benches/joins.sh [patients [seed]]; KAKOU names the program.
set -eu
K=${KAKOU:-kakou}
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
export KAKOU_KEYS="$W/keys"
"$K" -q synth --patients "${1:-3000}" --seed "${2:-7}" --layouts dpc,lab,csv,omop,uke --out "$W/data"
for pair in dpc-hub:dpc dpc-anonymized-public:dpc lab:lab csv:csv omop54:omop receipt:uke; do
    policy=${pair%%:*}
    "$K" -q run --policy "kakou:$policy" --input "$W/data/${pair##*:}" --out "$W/out" --release-id "$policy"
    echo "$policy"
    "$K" verify "$W/out/$policy" | grep "side by side"
    python3 -c '
import json, sys
joins = json.load(open(sys.argv[1]))["proof"]["joins"]
for name in ("facts", "rows", "both"):
    print(" ", name, joins[name]["persons"], "of", joins["persons"], *joins[name]["by"])
for column in joins["columns"]:
    print("  alone", column["persons"], *column["by"])
' "$W/out/$policy/record/statement.json"
done
