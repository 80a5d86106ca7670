"""Drives a browser over its own pipe for tests/explore_browser.sh. Standard library only.

usage: explore_browser.py BROWSER FOLDER [KEEP_FOLDER]
"""

import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time

browser, work = sys.argv[1], pathlib.Path(sys.argv[2])
keep = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None


class Browser:
    def __init__(self):
        high = lambda fd: fcntl.fcntl(fd, fcntl.F_DUPFD, 20)
        (read_them, write_us), (read_us, write_them) = os.pipe(), os.pipe()
        read_them, write_them = high(read_them), high(write_them)

        def ends():
            os.dup2(read_them, 3)
            os.dup2(write_them, 4)

        alone = []
        if subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL).returncode == 0:
            alone = ["unshare", "--net"]
        self.child = subprocess.Popen(
            alone
            + [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--lang=en"]
            + ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"]
            + ["--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND"]
            + ["--remote-debugging-pipe", f"--user-data-dir={work / 'profile'}", "about:blank"],
            preexec_fn=ends,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_them)
        os.close(write_them)
        self.to, self.back = write_us, read_us
        self.number, self.rest, self.events, self.answers = 0, b"", [], {}
        self.session = None

    def pump(self, seconds):
        ready, _, _ = select.select([self.back], [], [], seconds)
        if not ready:
            return False
        got = os.read(self.back, 1 << 20)
        if not got:
            sys.exit("the browser is gone")
        *whole, self.rest = (self.rest + got).split(b"\0")
        for message in map(json.loads, whole):
            if "id" in message:
                self.answers[message["id"]] = message
            else:
                self.events.append(message)
        return True

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data) :]
        until = time.monotonic() + 60
        while self.number not in self.answers:
            if time.monotonic() > until:
                sys.exit(f"no answer to {method}")
            self.pump(1)
        answer = self.answers.pop(self.number)
        if "error" in answer:
            sys.exit(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, path, width):
        """A fresh page."""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.session, self.target = session, target
        for domain in ["Page", "Runtime", "Network", "Log"]:
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 700)
        self.goto(path)

    def goto(self, path):
        self.events.clear()
        self.call("Page.navigate", url=f"file://{path}")
        until = time.monotonic() + 60
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            if time.monotonic() > until:
                sys.exit(f"{path} does not load")
            self.pump(1)
        while self.pump(0.3):
            pass

    def close(self):
        target = self.target
        self.session = None
        self.call("Target.closeTarget", targetId=target)

    def ask(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            sys.exit(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key, code):
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def click(self, x, y):
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def said(self):
        return [e for e in self.events if e["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")]

    def asked(self):
        urls = [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [u for u in urls if not u.startswith(("file:", "data:"))]


def expect(holds, what):
    if not holds:
        sys.exit(f"{name}: {what}")


def place(data, levels):
    at = 0
    for grid, level in zip(data["grid"], levels):
        at = at * len(grid) + grid.index(level)
    return at


def count(n):
    return "<10" if n < 0 else f"{n:,}"


def looked(b, data, levels):
    """What the page shows is what its data say of these levels."""
    at = place(data, levels)
    loss = b.ask("document.getElementById('loss').textContent")
    expect(abs(float(loss) - data["loss"][at]) <= 1e-3 * max(1e-3, data["loss"][at]), f"loss {loss} of {levels}")
    rows = b.ask("[...document.querySelectorAll('#figures tbody tr')].map(r => [...r.children].map(c => c.textContent))")
    expect(len(rows) == len(data["views"]), f"{len(rows)} views")
    for view, row in zip(data["views"], rows):
        expect(row[0] == view["name"], row)
        expect(row[4].startswith(f"{count(view['gone'][at])} / {count(view['rows'])}"), f"rows lost: {row}")
        expect(row[5] == f"{count(view['touched'][at])} / {count(view['persons'])}", f"persons: {row}")
        expect(row[6].startswith(f"{count(view['lost'][at])} ("), f"persons lost: {row}")
        expect(("✓" in row[7]) == (view["ok"][at] == "1"), f"verdict: {row}")
    toml = b.ask("document.getElementById('toml').textContent")
    for column, level in zip(data["columns"], levels):
        expect(f"{column['key']} = {column['levels'][level]['key']}\n" in toml, toml)
    return toml


b = Browser()
# A page that does ask and does speak: its silence about ours would prove nothing otherwise.
name = "control"
(work / "control.html").write_text('<!DOCTYPE html><title>x</title><img src="http://example.invalid/a.png"><script>console.log("heard")</script>')
b.open(work / "control.html", 1280)
expect(b.said() and b.asked(), "neither message nor request is seen where there is one")
b.close()

for lang in ["ja", "en"]:
    for width in [1280, 390]:
        name = f"{lang} at {width}"
        b.open(work / f"{lang}.html", width)
        data = json.loads(b.ask("document.getElementById('data').textContent"))
        grid = [len(g) for g in data["grid"]]
        levels = []
        rest = data["start"]
        for n in reversed(grid):
            levels.insert(0, rest % n)
            rest //= n
        expect(b.ask("!document.getElementById('app').hidden"), "the script does not run")
        looked(b, data, levels)
        start = levels[:]
        # A slider is moved with the keyboard to both ends.
        column = 0
        b.ask(f"document.getElementById('s{column}').focus()")
        for _ in range(grid[column]):
            b.key("ArrowLeft", 37)
        levels[column] = 0
        looked(b, data, levels)
        for level in range(1, grid[column]):
            b.key("ArrowRight", 39)
            levels[column] = level
            toml = looked(b, data, levels)
        # The last column to its finest: with what that loses.
        last = len(grid) - 1
        b.ask(f"document.getElementById('s{last}').focus()")
        for _ in range(grid[last]):
            b.key("ArrowLeft", 37)
        levels[last] = 0
        toml = looked(b, data, levels)
        (work / f"{lang}-{width}.lines.toml").write_text(toml)
        # One step back by a button of the table of steps.
        b.ask("document.querySelector('#steps tbody button').click()")
        expect(b.ask("document.getElementById('toml').textContent") != toml, "a step that is taken changes nothing")
        # A point of the picture: the square of the first combination.
        b.ask("document.querySelector('#chart rect').scrollIntoView({block: 'center'})")
        x, y = b.ask("(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector('#chart rect').getBoundingClientRect())")
        b.click(x, y)
        looked(b, data, start)
        expect(b.ask("document.querySelectorAll('#lost table').length") >= 2, "nobody is told to be lost")
        b.ask("document.getElementById('copy').click()")
        expect(b.ask("document.getElementById('copied').textContent.length") > 0, "copying says nothing")
        expect(b.ask("getSelection().toString()").startswith("# kakou explore"), "nothing is marked")
        # Nothing is wider than the window; text is large enough to be read.
        wide = b.ask("document.documentElement.scrollWidth")
        expect(wide <= width, f"the page is {wide} pixels wide")
        over = b.ask("[...document.querySelectorAll('table,svg,pre,select,.knob,.card')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length")
        expect(over == 0, f"{over} elements leave the window")
        small = b.ask("Math.min(...[...document.querySelectorAll('#app td, #app th, #chart text')].filter(e => e.getClientRects().length).map(e => parseFloat(getComputedStyle(e).fontSize)))")
        expect(small >= 11, f"letters of {small} pixels")
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            b.ask("getSelection().removeAllRanges(); scrollTo(0, 0)")
            b.picture(keep / f"{lang}-{width}.png")
        expect(not b.said(), f"the console says {b.said()[:2]}")
        expect(not b.asked(), f"something was asked for: {b.asked()[:3]}")
        # Without scripts the table of what nothing beats is there.
        b.call("Emulation.setScriptExecutionDisabled", value=True)
        b.goto(work / f"{lang}.html")
        b.call("Emulation.setScriptExecutionDisabled", value=False)
        visible = "e => e.getBoundingClientRect().height > 0"
        expect(b.ask(f"[...document.querySelectorAll('#front tbody tr')].filter({visible}).length") >= 2, "no table without scripts")
        expect(b.ask("document.getElementById('app').getBoundingClientRect().height") == 0, "dead sliders are shown")
        expect(b.ask("document.getElementById('toml').textContent").startswith("# kakou explore"), "no lines without scripts")
        b.close()
        size = (work / f"{lang}.html").stat().st_size
        print(f"{name}: {size} bytes, {len(data['loss'])} combinations, sliders, picture, lines and table; no message, no request")
b.session = None
b.call("Browser.close")
b.child.wait(30)
if keep:
    for lang in ["ja", "en"]:
        shutil.copy(work / f"{lang}.html", keep)
