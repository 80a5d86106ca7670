#!/usr/bin/env bash
# What k and the floors cost with the shipped policies as they are (docs/guarantees.md): levels chosen, loss, rows kept of the
# anonymized releases, on made-up data. BEFORE names an older program to compare with, on the same data.
# usage: [BEFORE=OLD] benches/utility.sh KAKOU [PATIENTS [SEED...]]
set -euo pipefail
kakou=$(realpath "$1")
before=${BEFORE:+$(realpath "$BEFORE")}
patients=${2:-3000}
shift $(($# > 1 ? 2 : 1))
seeds=${*:-1 2 3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for seed in $seeds; do
  data="$work/data"
  "$kakou" -q synth --patients "$patients" --seed "$seed" --layouts dpc,lab,uke,omop,csv --out "$data"
  "$kakou" -q synth --patients 1000 --seed "$seed" --hospitals 1 --layouts ssmix2 --out "$data/one"
  "$kakou" -q synth --patients "$((patients * 2 / 3))" --seed "$seed" --hospitals 2 --start 2025-04-01 --years 1 --layouts dpc,lab --out "$data/demo"
  mkdir "$data/dpc-lab"
  cp -al "$data/dpc" "$data/lab" "$data/dpc-lab"
  for which in before now; do
    program=$kakou
    if [ "$which" = before ]; then program=$before; fi
    if [ -z "$program" ]; then continue; fi
    export KAKOU_KEYS="$work/keys-$which"
    for pair in dpc-hub:dpc dpc-lab:dpc-lab demo:demo dpc-anonymized-public:dpc lab:lab csv:csv omop54:omop receipt:uke ssmix2:one/ssmix2/149900011; do
      "$program" -q run --policy "kakou:${pair%%:*}" --input "$data/${pair##*:}" --out "$work/$which/$seed" --release-id "${pair%%:*}" 2> "$work/error" || {
        echo "$which, seed $seed, ${pair%%:*}: $(head -1 "$work/error")" >&2
      }
    done
  done
  rm -rf "$data"
done
# shellcheck disable=SC2086
python3 - "$work" $seeds << 'END'
import json, os, sys
work, seeds = sys.argv[1], sys.argv[2:]

def figures(which, seed, policy):
    path = f"{work}/{which}/{seed}/{policy}/record/statement.json"
    if not os.path.exists(path):
        return "-", "-", "-"
    told = json.load(open(path, encoding="utf-8"))
    search, kept, removed = told.get("search"), 0, 0
    for table in told["tables"]:
        release = table["releases"]["anonymized"]
        if release.get("file") and not (release.get("leftOut") or release.get("left out")):
            kept += release["rowsOut"]
            removed += release.get("removed", 0)
    levels = ", ".join(dict.fromkeys(search["chosen"]["levels"])) if search else "fixed"
    loss = f"{search['chosen']['cost'][0]:.3f}" if search else "-"
    return levels, loss, f"{100 * kept / max(kept + removed, 1):.1f}"

print("| policy | | levels chosen | loss | rows kept, % |\n| --- | --- | --- | --- | --- |")
for policy in ("dpc-hub", "dpc-lab", "demo", "dpc-anonymized-public", "lab", "csv", "omop54", "receipt", "ssmix2"):
    for which in ("before", "now"):
        if os.path.isdir(f"{work}/{which}"):
            columns = zip(*(figures(which, seed, policy) for seed in seeds))
            cells = [c[0] if len(set(c)) == 1 else " / ".join(c) for c in columns]
            print(f"| `{policy}` | {which} | " + " | ".join(cells) + " |")
END
