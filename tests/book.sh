#!/usr/bin/env bash
# Builds the book of docs/ with mdBook and holds it against the files: every page is in it, and no link leads to nothing.
# mdBook is the one that is installed, else 0.5.4, built into a temporary folder (a few minutes; that needs the network).
# usage: tests/book.sh
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if command -v mdbook > /dev/null; then
  mdbook=$(command -v mdbook)
else
  CARGO_TARGET_DIR="$work/target" cargo install --quiet --locked mdbook --version 0.5.4 --root "$work/mdbook"
  mdbook=$work/mdbook/bin/mdbook
fi
"$mdbook" build docs --dest-dir "$work/book" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
python3 -B - "$work/book" <<'END'
import html.parser
import os
import pathlib
import sys
import urllib.parse

book = pathlib.Path(sys.argv[1]).resolve()
repo = pathlib.Path.cwd().resolve()
docs = repo / "docs"
faults = []


class Page(html.parser.HTMLParser):
    """The links of a page, the files that a browser loads for it, and the places in it that a link can name."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.places, self.text = [], [], set(), False
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attributes):
        words = dict(attributes)
        self.places.update(words[key] for key in ("id", "name") if words.get(key))
        if tag == "main":
            self.text = True
        if tag == "a" and words.get("href"):
            told = self.text and "header" not in (words.get("class") or "").split()
            self.links.append((words["href"], told))
        if tag == "link" and words.get("href"):
            self.loaded.append(words["href"])
        if tag in ("script", "img", "iframe") and words.get("src"):
            self.loaded.append(words["src"])

    def handle_endtag(self, tag):
        if tag == "main":
            self.text = False


read = {}


def page(path):
    if path not in read:
        read[path] = Page(path)
    return read[path]


def outside(path):
    """Whether a link out of docs/ leads to a file or folder of the repository; mdBook wrote .html for .md."""
    told = pathlib.Path(os.path.normpath(docs / os.path.relpath(path, book)))
    if not told.is_relative_to(repo):
        return False
    return told.exists() or (told.suffix == ".html" and told.with_suffix(".md").is_file())


sources = sorted(p.relative_to(docs) for p in docs.rglob("*.md") if p != docs / "SUMMARY.md")
pages = [p.with_suffix(".html") for p in sources]
links = 0
for name in pages:
    path = book / name
    if not path.is_file():
        faults.append(f"{name}: not in the book")
        continue
    for link in page(path).loaded:
        if urllib.parse.urlsplit(link).netloc:
            faults.append(f"{name}: loads {link} from elsewhere")
    for link, told in page(path).links:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        links += told  # those of the text; the ones that mdBook adds are looked at, too
        target = path
        if parts.path:
            target = pathlib.Path(os.path.normpath(path.parent / urllib.parse.unquote(parts.path)))
        if not target.is_relative_to(book):
            if not outside(target):
                faults.append(f"{name}: {link} is not in the repository")
        elif not target.exists():
            faults.append(f"{name}: {link} is not in the book")
        elif parts.fragment and target.suffix == ".html":
            if urllib.parse.unquote(parts.fragment) not in page(target).places:
                faults.append(f"{name}: {link}: the page has no such place")
for fault in faults:
    print(fault, file=sys.stderr)
if faults or not pages:
    sys.exit(1)
print(f"the book has all {len(pages)} pages, and their {links} links within the repository lead to something")
END
