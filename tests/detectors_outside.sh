#!/usr/bin/env bash
# The detectors on texts by other people: names, addresses, telephone numbers and card numbers of faker, mimesis and a data set
# of names, sentences of kakushi, news of hironsancorpus. Prints the table of docs/detectors.md; fails below the floors.
# usage: tests/detectors_outside.sh KAKOU
set -euo pipefail
kakou=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  'faker==40.54.0' 'mimesis==22.2.0' 'japanese-personal-name-dataset==0.4.0' 'kakushi==0.1.1' 'hironsancorpus==0.1.2'
"$work/venv/bin/python" "$here/detectors_outside.py" make "$work"
for corpus in framed mail news; do
  "$kakou" detect measure --json --corpus "$work/$corpus.jsonl" > "$work/$corpus.json"
done
"$work/venv/bin/python" "$here/detectors_outside.py" judge "$work"
