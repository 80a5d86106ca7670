#!/usr/bin/env bash
# The page of levels in a browser that has no network, wide and narrow, in both languages: a slider is moved, figures and the lines for
# the policy are read from the document; no console message, no request.
# usage: tests/explore_browser.sh KAKOU [KEEP_FOLDER]
set -euo pipefail
kakou=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ] || ! command -v python3 > /dev/null; then
  if [ "$(id -u)" != 0 ]; then
    echo "chromium and python3 are needed" >&2
    exit 1
  fi
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium python3 fonts-noto-cjk) > /dev/null
  browser=$(command -v chromium)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$kakou" synth --quiet --patients 1500 --layouts csv --out "$work"
cat > "$work/policy.toml" << 'END'
extends = "kakou:csv"
[anonymized]
suppress = { unit = "row", at_most = 0.1 }
[tables.persons.columns]
"生年月日" = { anonymized = { age_band = { at = "stays.入院日", widths = [5, 10, 30], top = 90 } } }
"郵便番号" = { anonymized = { generalize = { levels = ["prefecture", "region", "*"], otherwise = "other", other = "不明" } } }
[tables.stays.columns]
"入院日" = { anonymized = { truncate_date = { units = ["month", "quarter", "half", "year"] } } }
END
for lang in ja en; do
  "$kakou" explore --quiet --policy "$work/policy.toml" --input "$work/csv" --out "$work/$lang.html" --lang "$lang"
done
# The lines that the page gives are lines of a policy: the driver writes those of its last choice.
python3 "$here/explore_browser.py" "$browser" "$work" ${2:+"$2"}
for lines in "$work"/*.lines.toml; do
  { printf 'extends = "policy.toml"\n'; cat "$lines"; } > "$work/chosen.toml"
  "$kakou" check --quiet --policy "$work/chosen.toml" --input "$work/csv"
done
