#!/usr/bin/env bash
# Killed at every step: `key new`, `approve`, `seal`, `package` and `purge` are killed (by strace) at every system call that changes
# something on the disk; the ledger must verify afterwards (or be repaired), and the same command must bring it to its end and
# leave nothing behind. Prints a table.
# usage: tests/kills.sh KAKOU
set -euo pipefail
kakou=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v strace > /dev/null; then
  (apt-get update -qq && apt-get install -y -qq strace) > /dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -B "$here/kills.py" "$kakou" "$work"
