#!/usr/bin/env bash
# The Python package in a fresh environment: the wheel is built and installed, its tests and both notebooks run, and the demo.
set -euo pipefail
cd "$(dirname "$0")/../python"
target="${CARGO_TARGET_DIR:-$PWD/../target}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip --quiet --disable-pip-version-check"
python="$work/venv/bin/python"
$pip install "maturin==1.9.6"
PATH="$work/venv/bin:$PATH" CARGO_TARGET_DIR="$target" maturin build --release --locked --out "$work/wheel" ${KAKOU_MATURIN:-}
$pip install "$work"/wheel/*.whl "polars==1.*" "pandas==2.*" "pyarrow>=15" "duckdb==1.*" tqdm openpyxl pytest nbclient nbformat ipykernel scikit-learn
# Away from the sources: what is tested is what was installed.
cp -r tests notebooks "$work/"
cp ../tests/common/small.toml "$work/tests/"
cd "$work"
"$python" -m pytest -q -p no:cacheprovider tests
for notebook in notebooks/*.ipynb; do
  "$python" - "$notebook" <<'PY'
import sys
import nbclient
import nbformat

name = sys.argv[1]
notebook = nbformat.read(name, as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
print(name, "ran:", sum(cell.cell_type == "code" for cell in notebook.cells), "cells")
PY
done
"$python" -m kakou demo --out "$work/demo" >/dev/null
test -d "$work"/demo/releases/*/anonymized
echo "the Python package: wheel $(du -h "$work"/wheel/*.whl | cut -f1), tests, notebooks and demo ran"
