#!/usr/bin/env bash
# Every shipped policy on made-up data, with its shipped settings: the releases are read back by a program that shares no code with
# kakou and counts again, in persons, every class of every view, every value that is shown, and whom further facts single out.
# usage: tests/closure_outside.sh KAKOU [PATIENTS [SEED...]]; KEEP=DIR keeps the releases there
set -euo pipefail
kakou=$(realpath "$1")
patients=${2:-1500}
shift $(($# > 1 ? 2 : 1))
seeds=${*:-1}
here=$(dirname "$(realpath "$0")")
fixtures=${KAKOU_FIXTURES:-$here/../../shared/fixtures}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! python3 -c 'import polars' 2> /dev/null; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check 'polars==2.1.0'
  PATH="$work/venv/bin:$PATH"
fi
judge="$here/closure_outside.py"
export KAKOU_KEYS="$work/keys"
out=${KEEP:-$work/out}
code=0
run() { # out, policy, input
  "$kakou" run --quiet --policy "$2" --input "$3" --out "$1" --release-id "$(basename "${2#kakou:}" .toml)" > "$work/told" 2>&1 || {
    code=1
    echo "$2 does not run as it is shipped (seed $seed):" >&2
    head -5 "$work/told" >&2
  }
}
# What the made-up export has no resources of.
cat > "$work/fhir.toml" <<'END'
extends = "kakou:fhir"
without = ["medication_administration", "procedure", "allergy_intolerance", "diagnostic_report", "immunization", "service_request", "coverage", "observation_component"]
[not_applicable]
"18-2" = "the export has no insurance"
"33-2" = "the export has no insurance"
END
# The same cells as numbers and dates.
printf 'extends = "kakou:csv"\n[output]\nformat = "parquet"\nbounds = true\n' > "$work/typed.toml"
for seed in $seeds; do
  data="$work/data"
  "$kakou" synth --quiet --patients "$patients" --seed "$seed" --layouts dpc,lab,uke,omop,csv --out "$data"
  "$kakou" synth --quiet --patients 1000 --seed "$seed" --hospitals 1 --layouts ssmix2 --out "$data/one"
  "$kakou" synth --quiet --patients "$((patients * 2 / 3))" --seed "$seed" --hospitals 2 --start 2025-04-01 --years 1 --layouts dpc,lab --out "$data/demo"
  python3 "$judge" omop53 "$data/omop" "$data/omop53"
  python3 "$judge" fhir "$data/omop" "$data/fhir"
  mkdir "$data/dpc-lab"
  cp -al "$data/dpc" "$data/lab" "$data/dpc-lab"
  all="$out/$seed"
  run "$all" kakou:dpc-hub "$data/dpc"
  run "$all" kakou:dpc-anonymized-public "$data/dpc"
  run "$all" kakou:dpc-lab "$data/dpc-lab"
  run "$all" kakou:demo "$data/demo"
  run "$all" kakou:lab "$data/lab"
  run "$all" kakou:csv "$data/csv"
  run "$all" "$work/typed.toml" "$data/csv"
  run "$all" kakou:omop "$data/omop53"
  run "$all" kakou:omop54 "$data/omop"
  run "$all" kakou:receipt "$data/uke"
  run "$all" kakou:ssmix2 "$data/one/ssmix2/149900011"
  run "$all" "$work/fhir.toml" "$data/fhir"
  # Their treatments are those of dpc-hub: many persons in one of the runs are enough.
  if [ "$patients" -gt 2500 ]; then
    run "$all" kakou:appi-pseudonymized "$data/dpc"
    run "$all" kakou:appi-public "$data/dpc"
  fi
  if [ -d "$fixtures/clinosim-csv" ]; then
    run "$all" kakou:clinosim "$fixtures/clinosim-csv"
  fi
  echo "seed $seed, $patients persons:"
  python3 "$judge" judge "$all"/*/ || code=1
  rm -rf "$data"
done
exit $code
