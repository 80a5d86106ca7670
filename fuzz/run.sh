#!/usr/bin/env bash
# libFuzzer on one target, or on each in turn: fuzz/run.sh TARGET|all SECONDS. New inputs go into fuzz/corpus/TARGET (not in git).
set -euo pipefail
cd "$(dirname "$0")"
targets=$1
[ "$targets" = all ] && targets=$(ls seeds)
for target in $targets; do
  mkdir -p "corpus/$target" "artifacts/$target"
  KAKOU_TARGET=$target cargo +nightly fuzz run --fuzz-dir . --sanitizer none all "corpus/$target" "seeds/$target" -- \
    -max_total_time="$2" -max_len=65536 -timeout=20 -rss_limit_mb=4096 -artifact_prefix="artifacts/$target/"
done
