#!/usr/bin/env bash
# The report opens in a browser that has no network: no console message, no request, pictures where they should be,
# in both languages, on screen and on A4.
# usage: tests/report_browser.sh KAKOU RELEASE_FOLDER [KEEP_FOLDER]
set -euo pipefail
kakou=$(realpath "$1")
release=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ] || ! command -v python3 > /dev/null || ! command -v pdfinfo > /dev/null; then
  if [ "$(id -u)" != 0 ]; then
    echo "chromium, python3 and poppler-utils are needed" >&2
    exit 1
  fi
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium python3 poppler-utils fonts-noto-cjk) > /dev/null
  browser=$(command -v chromium)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
keep=${3:-}
# A network namespace without any interface, where that is allowed; a dead proxy and a resolver that knows nothing anyway.
alone=()
if unshare --net true 2> /dev/null; then
  alone=(unshare --net)
fi
open() { # name, arguments of the browser
  local name=$1
  shift
  "${alone[@]}" timeout 90 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --lang=en \
    --user-data-dir="$work/profile" --no-first-run --disable-background-networking --disable-component-update \
    --disable-sync --disable-default-apps --proxy-server=127.0.0.1:9 --host-resolver-rules="MAP * ~NOTFOUND" \
    --enable-logging=stderr --log-level=0 --log-net-log="$work/$name.net.json" "$@" 2> "$work/$name.err"
}
# A page that does ask and does speak: the judge must see both, or its silence about ours proves nothing.
printf '<!DOCTYPE html><title>x</title><img src="http://example.invalid/a.png"><script>console.log("heard")</script>' > "$work/control.html"
open control --dump-dom "file://$work/control.html" > "$work/control.dom"
python3 "$here/report_browser.py" "$work" control 0
for page in ja en both compare; do
  if [ "$page" = compare ]; then
    "$kakou" report "$release" --against "$release" --lang both --to "$work/$page.html" > /dev/null
    least=2
  else
    "$kakou" report "$release" --lang "$page" --to "$work/$page.html" > /dev/null
    least=12
  fi
  # As it is: what the browser says and asks for.
  open "$page" --window-size=1060,9000 --screenshot="$work/$page.png" "file://$work/$page.html" > /dev/null
  open "$page-dom" --dump-dom "file://$work/$page.html" > "$work/$page.dom"
  open "$page-pdf" --no-pdf-header-footer --print-to-pdf="$work/$page.pdf" "file://$work/$page.html" > /dev/null
  # With a script of the test (and without the page's own rule against scripts): where the pictures are, and how long it took.
  sed -e '/Content-Security-Policy/d' -e "s#</body>#<script>addEventListener('load',()=>{const boxes=[...document.querySelectorAll('svg')].map(s=>{const r=s.getBoundingClientRect();return [r.x+scrollX,r.y+scrollY,r.width,r.height].map(Math.round)});document.body.dataset.boxes=JSON.stringify(boxes);document.body.dataset.wide=document.documentElement.scrollWidth;document.body.dataset.ms=Math.round(performance.now())})</script></body>#" \
    "$work/$page.html" > "$work/$page-boxes.html"
  open "$page-boxes" --window-size=1060,20000 --dump-dom "file://$work/$page-boxes.html" > "$work/$page.boxes"
  python3 "$here/report_browser.py" "$work" "$page" "$least"
  pdfinfo "$work/$page.pdf" | grep -q 'A4' || { echo "$page: the PDF is not A4" >&2; exit 1; }
done
if [ -n "$keep" ]; then
  mkdir -p "$keep"
  cp "$work"/*.png "$work"/*.pdf "$work"/ja.html "$work"/en.html "$work"/both.html "$work"/compare.html "$keep"
fi
