"""A page in headless Chromium, driven over a pipe: what it asks for, what it complains about, what it computes."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 300
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")


class Browser:
    """One tab: commands of the DevTools protocol, and all that it has reported since."""

    def __init__(self, read: int, write: int) -> None:
        self.read, self.write, self.number, self.rest, self.session = read, write, 0, b"", ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while (got := self.next()).get("id") != self.number:
            self.events.append(got)
        assert "error" not in got, got
        return got["result"]

    def next(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.read], [], [], max(0.0, until - time.monotonic()))
            assert ready, "Chromium says nothing"
            more = os.read(self.read, 1 << 20)
            assert more, "Chromium is gone"
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, page: Path) -> None:
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.next())

    def draw(self) -> int:
        """Scroll to every chart until it is drawn; how many there are."""
        count: int = self.js("document.querySelectorAll('.plot').length")
        for number in range(count):
            ready = f"document.querySelector('#plot-{number} .main-svg')"
            self.js(f"document.getElementById('plot-{number}').scrollIntoView()")
            self.js(f"new Promise((done) => setInterval(() => {ready} && done(), 20))")
        return count

    def js(self, expression: str) -> Any:
        """The value of an expression in the page, awaited."""
        told = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def requests(self) -> list[str]:
        """The addresses that the page has asked for."""
        sent = [e["params"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def complaints(self) -> list[str]:
        """What the console says: faults of scripts, and what the policy forbade."""
        told = [e["params"]["entry"]["text"] for e in self.events if e["method"] == "Log.entryAdded"]
        told += [str(e["params"]["exceptionDetails"]) for e in self.events if e["method"] == "Runtime.exceptionThrown"]
        return told + [str(e["params"]) for e in self.events if e["method"] == "Runtime.consoleAPICalled"]

    def size(self, width: int) -> None:
        """Look through a window that is so many pixels wide."""
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **screen)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Chromium with a profile of its own in `folder`; it reads commands from 3 and answers on 4."""
    assert CHROMIUM is not None
    theirs, to_it = os.pipe()
    from_it, answers = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs, answers)]
    places = [(os.POSIX_SPAWN_DUP2, end, place) for end, place in zip(high, (3, 4), strict=True)]
    silent = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder}"]
    process = os.posix_spawn(CHROMIUM, command, os.environ, file_actions=[*places, silent])
    for end in (theirs, answers, *high):
        os.close(end)
    try:
        yield Browser(from_it, to_it)
    finally:
        os.close(to_it)
        os.close(from_it)
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)
