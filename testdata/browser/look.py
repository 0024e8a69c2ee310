#!/usr/bin/env python3
"""Looks at pages of `report --html` in Chromium: as a phone and a desk have them, in light and in dark, and printed.

Usage: look.py BROWSER OUTPUT-DIRECTORY PAGE...

Speaks the DevTools protocol over the browser's pipe, with nothing but Python's own library. Leaves pictures and a PDF
of each page, and fails with what is wrong:

* something is wider than the window, or cut off in its place
* the page asks for anything but itself, has a script, or leaves a message on the console
* a text has less contrast to its ground than WCAG 2 AA asks for
* light and dark, or desk and print, look the same
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

WIDTHS = {"phone": 360, "desk": 1280}
THEMES = ("light", "dark")

# Texts whose contrast is too small, and elements that reach beyond the window or have cut text.
LOOK = r"""
(() => {
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  for (let node; (node = walker.nextNode()); ) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.getClientRects().length) continue;
    texts += 1;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (isLarge ? 3 : 4.5)) faults.push(`contrast ${contrast.toFixed(2)}: ${node.data.trim()}`);
  }
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    faults.push(`${document.documentElement.scrollWidth} px wide in a window of ${width} px`);
  }
  for (const element of document.body.querySelectorAll("*:not(defs *, pattern, pattern *)")) {
    const box = element.getBoundingClientRect();
    if (box.width && (box.right > width + 0.5 || box.left < -0.5)) {
      faults.push(`<${element.localName} class="${element.getAttribute("class") || ""}"> reaches from ${box.left} to ${box.right}`);
    }
    if (element.clientWidth && element.scrollWidth > element.clientWidth + 1) faults.push(`cut: <${element.localName}>`);
  }
  return { faults: [...new Set(faults)].slice(0, 20), texts, scripts: document.scripts.length,
           ground: getComputedStyle(document.body).backgroundColor, bars: document.querySelectorAll("svg.bar").length };
})()
"""


class Browser:
    """A browser without a window."""

    def __init__(self, program, home):
        to_browser, self.to = os.pipe()
        self.back, from_browser = os.pipe()

        def pipes():
            os.dup2(to_browser, 3)
            os.dup2(from_browser, 4)

        os.set_inheritable(to_browser, True)
        os.set_inheritable(from_browser, True)
        # As root there is no sandbox, and a page that was made here needs none.
        arguments = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
                     f"--user-data-dir={home}", "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(arguments, preexec_fn=pipes, close_fds=False,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.rest, self.events, self.session = 0, b"", [], None

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.back, 1 << 16)
            if not more:
                sys.exit("the browser has ended")
            self.rest += more
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **parameters):
        self.number += 1
        call = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            call["sessionId"] = self.session
        os.write(self.to, json.dumps(call).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def load(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            sys.exit(f"the check itself has failed: {result['exceptionDetails']}")
        return result["result"]["value"]

    def complaints(self, url):
        for event in self.events:
            method, of = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded":
                yield f"console: {of['entry']['text']}"
            elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                yield f"console: {json.dumps(of)[:300]}"
            elif method == "Network.requestWillBeSent" and of["request"]["url"] != url:
                yield f"asks for {of['request']['url'][:200]}"


def look(browser, page, into):
    """Everything that is wrong with a page."""
    url, faults, grounds = page.absolute().as_uri(), [], set()
    for theme in THEMES:
        for name, width in WIDTHS.items():
            browser.call("Emulation.setEmulatedMedia", media="screen",
                         features=[{"name": "prefers-color-scheme", "value": theme}])
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                         mobile=name == "phone")
            browser.load(url)
            seen = browser.evaluate(LOOK)
            of = f"{page.name}, {name}, {theme}"
            faults += [f"{of}: {fault}" for fault in seen["faults"]]
            faults += [f"{of}: {fault}" for fault in browser.complaints(url)]
            if seen["scripts"] or not seen["texts"]:
                faults.append(f"{of}: {seen['scripts']} scripts, {seen['texts']} texts")
            grounds.add((theme, seen["ground"]))
            picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
            (into / f"{page.stem}-{name}-{theme}.png").write_bytes(base64.b64decode(picture["data"]))
    if len({ground for _, ground in grounds}) != len(THEMES):
        faults.append(f"{page.name}: light and dark have one ground")
    browser.call("Emulation.setEmulatedMedia", media="print",
                 features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.load(url)
    seen = browser.evaluate(LOOK)
    faults += [f"{page.name}, printed: {fault}" for fault in seen["faults"]]
    if seen["ground"] != "rgb(255, 255, 255)":
        faults.append(f"{page.name}, printed: the ground is {seen['ground']}")
    pdf = browser.call("Page.printToPDF", preferCSSPageSize=False)
    (into / f"{page.stem}.pdf").write_bytes(base64.b64decode(pdf["data"]))
    return faults


def main():
    program, into, *pages = sys.argv[1:]
    into = pathlib.Path(into)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        browser = Browser(program, home)
        try:
            browser.open()
            faults = [fault for page in pages for fault in look(browser, pathlib.Path(page), into)]
        finally:
            browser.process.kill()
            browser.process.wait()
    for fault in faults:
        print(fault)
    print(f"{len(pages)} pages, {len(faults)} faults; pictures are in {into}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
