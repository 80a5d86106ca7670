#!/usr/bin/env bash
# A Debian package of both programs (cargo-deb), installed in a clean Debian of the same version as this one, where the demo runs as a
# user without rights. Needs root for the clean Debian; without it the package is made and looked into.
# usage: tests/deb.sh [FOLDER FOR THE PACKAGE]
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
out=$(realpath -m "${1:-$work/out}")
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
mounted=
clean() {
  if [ -n "$mounted" ]; then umount "$work/root/proc"; fi
  rm -rf --one-file-system "$work"
}
trap clean EXIT
mkdir -p "$out"
if ! command -v cargo-deb > /dev/null; then
  CARGO_TARGET_DIR="$work/target" cargo install --quiet --locked --root "$work" cargo-deb --version 3.8.0
  export PATH="$work/bin:$PATH"
fi
cargo build --quiet --release -p kakou -p kakou-verifier
# Programs without their symbols; what else is in the package stands in Cargo.toml.
CARGO_TARGET_DIR="$target" cargo deb --quiet --no-build --strip -p kakou --output "$out/"
package=$(echo "$out"/kakou_*.deb)
dpkg-deb --info "$package" | grep -E "^ (Package|Version|Depends|Installed-Size):"
dpkg-deb --contents "$package" | awk '{ print $1, $6 }' > "$work/contents"
for file in ./usr/bin/kakou ./usr/bin/kakou-verify ./usr/share/doc/kakou/README.ja.md; do
  grep -q " $file\$" "$work/contents" || { echo "$file is not in the package" >&2; exit 1; }
done
if [ "$(id -u)" != 0 ]; then
  echo "NOT RUN: the package in a clean Debian (debootstrap needs root)"
  exit 0
fi
if ! command -v debootstrap > /dev/null; then
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap) > /dev/null
fi
. /etc/os-release
debootstrap --variant=minbase "$VERSION_CODENAME" "$work/root" http://deb.debian.org/debian > "$work/debootstrap.log" 2>&1 \
  || { tail -5 "$work/debootstrap.log" >&2; exit 1; }
mount -t proc proc "$work/root/proc"
mounted=1
cp "$package" "$work/root/tmp/kakou.deb"
inside() { chroot "$work/root" "$@"; }
# What it needs is there already: libraries of C alone.
inside dpkg -i /tmp/kakou.deb > /dev/null
inside useradd --create-home someone
inside su someone -c 'cd && LANG=C.UTF-8 kakou demo --out demo > said 2>&1 && kakou verify --quiet demo/releases/*/ && kakou-verify --quiet demo/releases/*/' \
  || { tail -20 "$work/root/home/someone/said" >&2; exit 1; }
inside dpkg -r kakou > /dev/null
test ! -e "$work/root/usr/bin/kakou"
echo "made, installed in a clean $PRETTY_NAME, demo made and verified by both programs there, and removed: $(stat -c %s "$package") bytes"
