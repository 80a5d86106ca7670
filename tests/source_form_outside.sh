#!/usr/bin/env bash
# Releases in the form of their sources are read by another program's rules: tests/source_form_outside.sh KAKOU
set -euo pipefail
kakou=$(realpath "$1")
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export KAKOU_KEYS="$work/keys"
cd "$work"
"$kakou" synth --quiet --patients 400 --hospitals 2 --layouts dpc,lab --out data
"$kakou" key new --quiet project.key
python3 "$here/tests/source_form_outside.py" policies "$here/docs/source-form.md" "$work"
for kind in dpc lab; do
  "$kakou" run --quiet --policy "$kind.toml" --input "data/$kind" --key project.key --out "$kind"
  "$kakou" verify --quiet "$(echo "$kind"/*/)"
done
python3 "$here/tests/source_form_outside.py" read "$work"
