#!/usr/bin/env bash
# kakou.spark in a fresh environment: the releases are those of one machine for any number of parts; a standalone master with two
# workers on loopback, one of them killed, a slow task and its twin; nothing of a key or a cell where Spark writes.
#   tests/spark.sh            small: clinosim and a made-up hospital (about three minutes beside the build)
#   tests/spark.sh large ROWS DIR   the same comparison on ROWS rows made in DIR, with executors of 1 GB
set -euo pipefail
cd "$(dirname "$0")/.."
repository="$PWD"
target="${CARGO_TARGET_DIR:-$PWD/target}"
if ! command -v java >/dev/null; then
  if [ "$(id -u)" != 0 ]; then
    echo "Java 17 or 21 is needed for Spark 4" >&2
    exit 1
  fi
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless) >/dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "${KAKOU_SPARK_PYTHON:-}" ]; then
  python="$KAKOU_SPARK_PYTHON"
else
  python3 -m venv "$work/venv"
  python="$work/venv/bin/python"
  "$python" -m pip install --quiet --disable-pip-version-check "maturin==1.9.6"
  (cd python && PATH="$work/venv/bin:$PATH" CARGO_TARGET_DIR="$target" maturin build --release --locked --out "$work/wheel" ${KAKOU_MATURIN:-})
  "$python" -m pip install --quiet --disable-pip-version-check "$work"/wheel/*.whl "pyspark==4.0.1" "pyarrow>=15" "pandas==2.*"
fi
mkdir "$work/clinosim"
tar -xzf tests/fixtures/clinosim-csv.tar.gz -C "$work/clinosim"
export PYSPARK_PYTHON="$python" PYSPARK_DRIVER_PYTHON="$python" SPARK_LOCAL_IP=127.0.0.1
export HOME="$work/home" KAKOU_REPOSITORY="$repository"
mkdir "$HOME"
unset KAKOU_KEYS XDG_DATA_HOME SPARK_HOME
cp tests/spark.py "$work/"
cd "$work"
if [ "${1:-}" = large ]; then
  "$python" spark.py large "$2" "$3"
  exit
fi
"$python" spark.py local "$work"
"$python" spark.py cluster "$work"
echo "Spark: equal for all numbers of parts; a killed worker and a slow task change nothing; nothing of a key or a cell is written"
