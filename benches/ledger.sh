#!/usr/bin/env bash
# What an entry of the ledger costs, by the ledger's length: the program before and the program now (or one alone), the same entry
# (`ledger trust` of one key) on copies of one ledger, medians of the wall clock of the whole program.
# usage: benches/ledger.sh [OLD] NEW
set -euo pipefail
new=$(realpath "${!#}")
old=$([ $# -gt 1 ] && realpath "$1" || true)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$new" key new --signing run.key > /dev/null
"$new" key public run.key > run.pub
"$new" ledger init grown --name bench.example/ledger --sign run.key > /dev/null
entry() { "$1" ledger trust "$2" --public-key run.pub --sign run.key > /dev/null; }
# The median of 21 entries, in ms.
median() {
  for _ in $(seq 21); do
    local from=$EPOCHREALTIME
    entry "$1" "$2"
    local to=$EPOCHREALTIME
    echo $(((${to/./} - ${from/./}) / 100))
  done | sort -n | sed -n 11p | sed -E 's/(.)$/.\1/; s/^\./0./'
}
echo "| entries | ${old:+before, ms | }now, ms | now, without what was seen, ms |"
have=1
for want in 200 500 1500 5000; do
  while [ "$have" -lt "$want" ]; do
    entry "$new" grown
    have=$((have + 1))
  done
  before=""
  if [ -n "$old" ]; then
    cp -r grown copy && rm -rf copy/seen
    before="$(median "$old" copy) | "
    rm -rf copy
  fi
  cp -r grown copy
  now=$(median "$new" copy)
  rm -rf copy
  cp -r grown copy && rm -rf copy/seen
  from=$EPOCHREALTIME
  entry "$new" copy
  to=$EPOCHREALTIME
  first=$(((${to/./} - ${from/./}) / 1000))
  rm -rf copy
  echo "| $want | $before$now | $first |"
done
