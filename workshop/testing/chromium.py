"""A headless Chromium, driven by its own DevTools protocol over a pipe: no port, no driver.

https://chromedevtools.github.io/devtools-protocol/; messages are JSON, each ended by a zero byte,
on file descriptors 3 (to the browser) and 4 (from it).
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.toolchain.browser import Browser

_SECONDS = 60.0
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    # The tests may run as root, and show the browser nothing but our own page.
    "--no-sandbox",
    "--no-zygote",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # No request of its own to anybody.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--font-render-hinting=none",
)


class BrowserError(Exception):
    """The browser refused a command, or did not answer."""


@dataclass
class Page:
    write_end: int
    read_end: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _sent: int = 0
    _rest: bytes = b""

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command's result; events that come before it are kept in `events`."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._sent:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def open(self, path: Path, *, width: int, height: int, dark: bool, phone: bool) -> None:
        """Load a file in a window of CSS pixels, and wait until it has been drawn."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        loader = self.send("Page.navigate", url=path.resolve().as_uri())["loaderId"]
        # By its loader, because the page before may still tell of its own end.
        while not any(_is_loaded(each, loader) for each in self.events):
            self.events.append(self._receive())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited when it is a promise."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def screenshot(self, target: Path) -> None:
        answer = self.send("Page.captureScreenshot", format="png")
        target.write_bytes(base64.b64decode(answer["data"]))

    def requested(self) -> list[str]:
        """URLs of all that was asked for since `open`."""
        return [
            str(each["params"]["request"]["url"])
            for each in self.events
            if each.get("method") == "Network.requestWillBeSent"
        ]

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + _SECONDS
        while b"\0" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.read_end], [], [], left)[0]:
                raise BrowserError(f"no answer within {_SECONDS:.0f} s")
            more = os.read(self.read_end, 1 << 16)
            if not more:
                raise BrowserError("the browser has ended")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        document: dict[str, Any] = json.loads(message)
        return document


def _is_loaded(event: dict[str, Any], loader: str) -> bool:
    parameters = event.get("params", {})
    return (event.get("method"), parameters.get("name"), parameters.get("loaderId")) == (
        "Page.lifecycleEvent",
        "load",
        loader,
    )


@contextmanager
def open_page(browser: Browser, folder: Path) -> Iterator[Page]:
    """A browser with its files in `folder`, for as long as the block runs."""
    to_browser, write_end = os.pipe()
    read_end, from_browser = os.pipe()
    log = (folder / "chromium.log").open("wb")
    # The browser wants its ends as descriptors 3 and 4.
    script = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
    profile = f"--user-data-dir={folder / 'profile'}"
    process = subprocess.Popen(
        ["/bin/bash", "-c", script, str(browser.command), *_FLAGS, profile],
        env={**os.environ, **browser.environment, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(to_browser, from_browser),
        start_new_session=True,
    )
    os.close(to_browser)
    os.close(from_browser)
    log.close()
    page = Page(write_end, read_end)
    try:
        target = page.send("Target.createTarget", url="about:blank")["targetId"]
        attached = page.send("Target.attachToTarget", targetId=target, flatten=True)
        page.session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            page.send(f"{domain}.enable")
        page.send("Page.setLifecycleEventsEnabled", enabled=True)
        yield page
        page.session = ""
        page.send("Browser.close")
    finally:
        os.close(write_end)
        os.close(read_end)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
