#!/usr/bin/env bash
# A second verifier in another language: Python, the signatures by `cryptography`, the counting by DuckDB, no code of ours. Both
# verifiers must agree on releases of several policies and refuse every tampered copy. docs/verify-yourself.md has the formats.
# usage: tests/verifier.sh KAKOU [DEMO_FOLDER]
set -euo pipefail
kakou=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/verifier/requirements.txt"
export HOME="$work/home"
mkdir "$HOME"
cd "$here/verifier"
"$work/venv/bin/python" -B tamper.py "$kakou" "$work/house" ${2:+"$(realpath "$2")"}
