#!/usr/bin/env bash
# Builds `kakou-verify`, static where the toolchain can, and holds it against `kakou verify`: a release and changed copies of it.
# usage: tests/small_verifier.sh KAKOU DEMO
set -euo pipefail
kakou=$(realpath "$1")
demo=$(realpath "$2")
cd "$(dirname "$0")/.."
target=$(rustc -vV | sed -n 's/^host: //p')
musl=${target/gnu/musl}
flags="-C target-feature=+crt-static"
if command -v musl-gcc > /dev/null && [ -d "$(rustc --print sysroot)/lib/rustlib/$musl" ]; then
  target=$musl
fi
# Named, the target keeps the flags away from build scripts.
RUSTFLAGS="$flags" cargo build --locked --profile small --package kakou-verifier --target "$target"
small=${CARGO_TARGET_DIR:-target}/$target/small/kakou-verify
bytes=$(stat -c %s "$small")
echo "$small: $bytes bytes"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
same() { # the same words and the same exit code, of whatever both are asked
  local ours=0 theirs=0
  "$kakou" verify "$@" > "$work/kakou.out" 2> "$work/kakou.err" || theirs=$?
  "$small" "$@" > "$work/small.out" 2> "$work/small.err" || ours=$?
  cmp "$work/kakou.out" "$work/small.out"
  cmp "$work/kakou.err" "$work/small.err"
  [ "$ours" = "$theirs" ] || { echo "exit codes: $theirs and $ours" >&2; exit 1; }
  code=$ours
}
release=$(echo "$demo"/releases/*/)
release=${release%/}
same "$release"
[ "$code" = 0 ]
same "$release" --ledger "$demo/ledger"
[ "$code" = 0 ]
same "$release" --json
[ "$code" = 0 ]
name=$(basename "$release")
tampered=0
for file in record/MANIFEST record/statement.json record/run.dsse.json $(cd "$release" && ls anonymized/* pseudonymized/*); do
  rm -rf "$work/copy"
  mkdir "$work/copy"
  cp -a "$release" "$work/copy/$name"
  chmod -R u+w "$work/copy"
  printf '\001' | dd of="$work/copy/$name/$file" bs=1 seek=100 conv=notrunc status=none
  same "$work/copy/$name"
  [ "$code" = 1 ] || { echo "$file: not found ($code)" >&2; exit 1; }
  tampered=$((tampered + 1))
done
rm "$work/copy/$name/record/MANIFEST"
same "$work/copy/$name"
[ "$code" != 0 ]
same "$work/none"
[ "$code" = 4 ]
echo "kakou-verify says what kakou verify says of the release and of $tampered changed copies"
