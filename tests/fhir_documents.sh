#!/usr/bin/env bash
# Documents of the JP-CLINS form (made up here: referrals, discharge summaries, check-up reports), resources that name their patient by an
# identifier alone, and a history of a server become two releases by `kakou:fhir-clins`. An outside library (PyPI fhir.resources, R4B)
# reads every resource and Bundle of the pseudonymized release; every reference resolves within the release; elements that the profiles
# ask for are there; no canary is in any byte or path. Then the same for NDJSON by `kakou:fhir`, and the guide's own examples together.
# usage: tests/fhir_documents.sh KAKOU
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
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fhir.resources==8.0.0
python="$work/venv/bin/python"
documents="$here/fhir_documents.py"
"$kakou" key new --quiet "$work/project.key"
run() { # policy, data, out
  "$kakou" run --quiet --policy "$1" --input "$2" --key "$work/project.key" --out "$3"
  "$kakou" verify --quiet "$(echo "$3"/*/)"
}

# Bundles: few persons, so the thresholds are those of `controlled`.
"$python" "$documents" make "$work/documents"
"$python" "$documents" policy fhir-clins > "$work/documents.toml"
run "$work/documents.toml" "$work/documents" "$work/out"
"$python" "$documents" check "$work/documents" "$work"/out/*/ bundles

# The same input once more: the same files but for what a run is named by.
run "$work/documents.toml" "$work/documents" "$work/again"
cmp "$work"/out/*/pseudonymized/Bundle.ndjson "$work"/again/*/pseudonymized/Bundle.ndjson

# A release is read again by the program itself: birth dates are months there.
mkdir "$work/second"
"$python" "$documents" policy again > "$work/again.toml"
cp "$work"/out/*/pseudonymized/Bundle.ndjson "$work/second/"
run "$work/again.toml" "$work/second" "$work/out2"
"$python" "$documents" check "$work/documents" "$work"/out2/*/ bundles

# NDJSON, a resource a line.
"$python" "$documents" split "$work/documents" "$work/ndjson"
"$python" "$documents" policy fhir > "$work/ndjson.toml"
run "$work/ndjson.toml" "$work/ndjson" "$work/out3"
"$python" "$documents" check "$work/documents" "$work"/out3/*/ ndjson

# What cannot be told whose it is, is refused with its place, and nothing is published.
for fault in nobody several conditional contained message patch; do
  "$python" "$documents" break "$fault" "$work/documents" "$work/broken-$fault"
  code=0
  "$kakou" run --quiet --lang en --policy "$work/documents.toml" --input "$work/broken-$fault" --key "$work/project.key" \
    --out "$work/refused-$fault" 2> "$work/$fault.txt" || code=$?
  if [ "$code" != 3 ] || ! grep -Eq 'D035[578]' "$work/$fault.txt" || ls "$work/refused-$fault"/*/ > /dev/null 2>&1; then
    echo "$fault was not refused as it must be (exit code $code)" >&2
    cat "$work/$fault.txt" >&2
    exit 1
  fi
done

# The examples of the guide, where they are at hand: one person, so only the pseudonymized release.
examples="${KAKOU_FIXTURES:-$here/../../shared/fixtures}/fhir-jp"
if [ -d "$examples" ]; then
  "$python" "$documents" policy guide > "$work/guide.toml"
  run "$work/guide.toml" "$examples" "$work/out4"
  "$python" "$documents" check "$examples" "$work"/out4/*/ bundles
fi
echo "documents: as they must be"
