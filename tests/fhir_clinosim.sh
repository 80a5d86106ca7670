#!/usr/bin/env bash
# A FHIR export that nobody here wrote (PyPI clinosim, MIT): treating Patient alone is refused, the shipped policy gives two
# releases, and a search that shares no code with kakou finds no identifier in any byte or path of them.
# usage: tests/fhir_clinosim.sh KAKOU
set -euo pipefail
kakou=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
if ! command -v python3 > /dev/null || ! python3 -c 'import venv, ensurepip' 2> /dev/null; then
  if [ "$(id -u)" != 0 ]; then
    echo "python3 with venv is needed" >&2
    exit 1
  fi
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv) > /dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check clinosim==0.6.5
"$work/venv/bin/clinosim" simulate -o "$work/made" -p 300 -s 1 --country JP --start 2026-01-01 --end 2026-06-30 \
  --format fhir-r4 --allow-legacy > "$work/clinosim.log" 2>&1 || { tail -5 "$work/clinosim.log" >&2; exit 1; }
data="$work/made/fhir_r4"
"$kakou" key new --quiet "$work/project.key"

# 154 persons: fewer than the shipped thresholds ask for.
python3 "$here/fhir_clinosim.py" policy "$here/../policies/fhir.toml" > "$work/small.toml"
python3 "$here/fhir_clinosim.py" patient-only "$here/../policies/fhir.toml" > "$work/patient-only.toml"
run() { # policy, out
  "$kakou" run --quiet --policy "$1" --input "$data" --key "$work/project.key" --out "$2"
}

# (a) Patient is treated, the identifiers of all other resources are kept.
code=0
run "$work/patient-only.toml" "$work/refused" 2> "$work/refused.txt" || code=$?
if [ "$code" != 1 ] || ! grep -q C0303 "$work/refused.txt" || ls "$work"/refused/*/ > /dev/null 2>&1; then
  echo "a Patient-only transform was not refused as it must be (exit code $code)" >&2
  cat "$work/refused.txt" >&2
  exit 1
fi

# (b) The shipped policy.
run "$work/small.toml" "$work/out"
release=$(echo "$work"/out/*/)
"$kakou" verify --quiet "$release"
python3 "$here/fhir_clinosim.py" scan "$data" "$release"
