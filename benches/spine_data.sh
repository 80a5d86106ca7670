# Sourced by the benches of the spine: `spine_data KAKOU WORK PERSONS` makes WORK/parquet (five tables as Parquet; 385000 persons are
# 15.2 million rows), WORK/key and WORK/venv with polars, which wrote the files.
spine_data() {
  local kakou=$1 work=$2 persons=$3
  "$kakou" synth --patients "$persons" --encoding utf8 --layouts csv --out "$work" --quiet
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet polars==1.35.2
  "$work/venv/bin/python" - "$work" <<'PY'
import pathlib, sys, polars as pl
work = pathlib.Path(sys.argv[1])
(work / "parquet").mkdir()
for path in sorted((work / "csv").glob("*.csv")):
    pl.scan_csv(path, infer_schema_length=0).sink_parquet(work / "parquet" / (path.stem + ".parquet"), compression="zstd", compression_level=3, row_group_size=250_000)
PY
  rm -rf "$work/csv" "$work/truth"
  "$kakou" key new "$work/key" --quiet
}
