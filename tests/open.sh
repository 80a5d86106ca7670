#!/usr/bin/env bash
# The code of docs/open.md, as it stands there, on a made-up release: pandas, polars, DuckDB and R compute the same means and counts
# without a cast. The dictionary's records for catalogues are judged by public validators, and the data by what they say.
# usage: tests/open.sh KAKOU
set -euo pipefail
kakou=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  'pandas==3.1.1' 'pyarrow==26.0.1' 'polars==2.1.0' 'duckdb==2.0.1' 'openpyxl==3.1.5' 'frictionless==5.21.0' 'rdflib==7.6.0' 'pyshacl==0.40.1'
export KAKOU_KEYS="$work/keys"
"$kakou" synth --quiet --patients 1500 --seed 1 --layouts csv --out "$work/data"
for name in parquet csv xlsx; do
  form="format = \"$name\""
  [ "$name" != csv ] || form='cells = "normalized"'
  cat > "$work/$name.toml" <<END
extends = "kakou:csv"
[output]
$form
bounds = true
encoding = "utf-8-bom"
[anonymized]
tier = "controlled"
suppress = { unit = "row", at_most = 0.1 }
[tables.stays.columns]
"入院日" = { anonymized = { truncate_date = "quarter" } }
END
  "$kakou" run --quiet --policy "$work/$name.toml" --input "$work/data/csv" --out "$work/out" --release-id "$name"
done
"$work/venv/bin/python" -B "$here/open.py" "$work/out/parquet" "$work/out/csv" "$work/out/xlsx"
