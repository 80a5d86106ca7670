#!/usr/bin/env bash
# Faults while the program writes: killed at system calls that change something, calls that fail (EIO, ENOSPC), no file
# descriptors left, a full disk, input that changes under the run, twenty runs into one folder with one ledger. After each
# fault nothing half made stands there, no cell is in a message or a file, the ledger verifies (or is repaired), the same
# command comes to its end, and nothing hidden is left. Prints a table; ends with 1 if anything failed.
# usage: tests/faults.sh KAKOU [--long] [CLASS...]      the short sweep takes a sample of the places, --long all of them
set -euo pipefail
kakou=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v strace > /dev/null; then
  (apt-get update -qq && apt-get install -y -qq strace) > /dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A disk of its own, of memory: it can be filled, and goes with the process.
if unshare -rm mount -t tmpfs -o size=64m tmpfs "$work" 2> /dev/null; then
  unshare -rm bash -c 'mount -t tmpfs -o size=64m tmpfs "$1" && shift && exec python3 -B "$@"' - "$work" "$here/faults.py" "$kakou" "$work" "$@"
else
  echo "no disk of memory can be mounted here: the class full-disk is left out"
  python3 -B "$here/faults.py" "$kakou" "$work" --no-disk "$@"
fi
