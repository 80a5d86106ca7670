#!/usr/bin/env bash
# The program never opens a socket: it runs where no network exists, with its system calls watched.
# usage: tests/no_network.sh KAKOU DEMO_FOLDER
set -euo pipefail
kakou=$(realpath "$1")
demo=$(realpath "$2")
if ! command -v strace > /dev/null; then
  (apt-get update -qq && apt-get install -y -qq strace) > /dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run=("$kakou" run --quiet --policy "$demo/policy.toml" --input "$demo/data" --key "$demo/project.key" --out "$work/out")
# A network namespace of its own with nothing in it; where namespaces are not allowed the watched run still counts.
if unshare --net true 2> /dev/null; then
  unshare --net "${run[@]}"
  echo "ran in a network namespace without any interface"
else
  echo "no network namespace can be made here: only the system calls are watched"
fi
strace -f -qq -e trace=network,write -o "$work/trace" "${run[@]}"
# The trace must have seen something, or it proves nothing.
grep -q 'write(' "$work/trace"
if grep -E '(socket|connect|bind|sendto|sendmsg|accept4?)\(' "$work/trace"; then
  echo "the program made a network call" >&2
  exit 1
fi
# And nothing that could make one is linked in.
if cargo tree -e normal --prefix none 2> /dev/null | grep -E '^(tokio|mio|socket2|hyper|reqwest|rustls|curl|object_store) '; then
  echo "a dependency brings a network client" >&2
  exit 1
fi
echo "no network call in $(wc -l < "$work/trace") watched calls"
