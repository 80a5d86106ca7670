"""What tests/report_browser.sh found, judged. Standard library only."""

import html
import json
import pathlib
import re
import struct
import sys
import zlib

work, page, least = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def fail(what):
    sys.exit(f"{page}: {what}")


def pixels(path):
    """Rows of RGB bytes of an 8-bit PNG."""
    data = path.read_bytes()
    at, compressed = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            wide, tall, depth, colour = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            compressed += body
        at += 12 + length
    step = {2: 3, 6: 4}[colour]
    if depth != 8:
        fail("the screenshot has another depth than 8")
    raw, rows, last = zlib.decompress(compressed), [], bytearray(wide * step)
    for y in range(tall):
        start = y * (wide * step + 1)
        how, row = raw[start], bytearray(raw[start + 1 : start + 1 + wide * step])
        for i in range(len(row)) if how else ():
            left = row[i - step] if i >= step else 0
            up = last[i]
            corner = last[i - step] if i >= step else 0
            if how == 1:
                add = left
            elif how == 2:
                add = up
            elif how == 3:
                add = (left + up) // 2
            else:
                guess = left + up - corner
                add = min((left, up, corner), key=lambda v: abs(guess - v))
            row[i] = (row[i] + add) & 255
        rows.append(row)
        last = row
    return rows, step


def console():
    """What pages said on the console."""
    said = []
    for log in work.glob(f"{page}*.err"):
        if not log.name.startswith(f"{page}-boxes"):
            # Newer browsers load pages of their own beside ours, and those speak too ("Slow network is detected").
            said += [
                line
                for line in log.read_text(errors="replace").splitlines()
                if "CONSOLE" in line and not re.search(r"source: chrome(-[a-z]+)?://\S* \(\d+\)$", line)
            ]
    return said


def asked():
    """What pages asked for; what the browser asks for by itself (the time, dictionaries) has no origin."""
    found = set()
    for log in work.glob(f"{page}*.net.json"):
        text = log.read_text(errors="replace")
        try:
            events = json.loads(text)["events"]
        except ValueError:
            events = json.loads(text.rstrip().rstrip(",") + "]}")["events"]
        for event in events:
            params = event.get("params") or {}
            who = params.get("initiator", "not an origin")
            if "url" in params and who != "not an origin" and not who.startswith("chrome"):
                found.add(params["url"])
    return sorted(url for url in found if not url.startswith(("file:", "data:", "chrome:")))


if page == "control":
    if not console() or not asked():
        fail("neither message nor request is seen where there is one")
    sys.exit()
if console():
    fail(f"the console says {console()[:3]}")
if asked():
    fail(f"something was asked for: {asked()[:3]}")

# The document is whole and holds no script.
dom = (work / f"{page}.dom").read_text()
if "<script" in dom or "</footer>" not in dom:
    fail("the document is not whole")
svgs = dom.count("<svg ")
if svgs < least:
    fail(f"{svgs} pictures instead of {least}")
size = (work / f"{page}.html").stat().st_size
if size >= 2_000_000:
    fail(f"{size} bytes")

boxes_dom = (work / f"{page}.boxes").read_text()
boxes = json.loads(html.unescape(re.search(r'data-boxes="([^"]*)"', boxes_dom).group(1)))
took = int(re.search(r'data-ms="(\d+)"', boxes_dom).group(1))
wide = int(re.search(r'data-wide="(\d+)"', boxes_dom).group(1))
if took >= 10_000:
    fail(f"it took {took} ms to open")
if wide > 1060:
    fail(f"the page is {wide} pixels wide on a window of 1060")
if len(boxes) != svgs:
    fail(f"{len(boxes)} pictures on the screen, {svgs} in the document")

# Every picture has ink in it: several colours, and enough pixels that are not white.
rows, step = pixels(work / f"{page}.png")
seen = 0
for x, y, w, h in boxes:
    if w < 100 or h < 20:
        fail(f"a picture of {w} x {h}")
    if y + h > len(rows):
        continue
    colours, ink = set(), 0
    for row in rows[y : y + h]:
        part = row[x * step : (x + w) * step]
        for i in range(0, len(part), step):
            pixel = bytes(part[i : i + 3])
            if pixel != b"\xff\xff\xff":
                ink += 1
                colours.add(pixel)
    if len(colours) < 4 or ink < w * h // 100:
        fail(f"the picture at {x}, {y} is blank")
    seen += 1
if seen < min(least, 8):
    fail(f"only {seen} pictures are on the screenshot")
print(f"{page}: {size} bytes, {svgs} pictures, {seen} of them looked at, open in {took} ms, no message, no request")
