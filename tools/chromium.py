"""A headless Chromium, driven over its own pipe: this needs no package.

Source: the Chrome DevTools Protocol, https://chromedevtools.github.io/devtools-protocol/.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
EXECUTABLE = next((path for name in NAMES if (path := shutil.which(name))), None)
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
    *("--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage"),
)
# The browser reads its pipe as 3 and writes to 4.
WITH_PIPES = """\
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
# How often something is looked for, a second apart or at once. Looks are counted, not seconds:
# a machine that stands still for a while costs one look.
LOOKS, QUICK_LOOKS = 60, 3000
EVENTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")


class Page:
    """A page in its own browser; its requests and errors are recorded."""

    def __init__(self, profile: Path) -> None:
        assert EXECUTABLE is not None
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", WITH_PIPES, str(to_browser), str(from_browser)),
                *(EXECUTABLE, *OPTIONS, f"--user-data-dir={profile}", "about:blank"),
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._received = b""
        self._number = 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[Any] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send the browser a command and wait for its answer."""
        return self.together((method, parameters))[0]

    def together(self, *commands: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """Send commands, each a method and its parameters, in one piece, and wait for all answers.

        So a click that is held up does not become a long press, and no page changes in its middle.
        """
        numbers = range(self._number + 1, self._number + 1 + len(commands))
        self._number += len(commands)
        session = {"sessionId": self._session} if self._session else {}
        messages = [
            {"id": number, "method": method, "params": parameters, **session}
            for number, (method, parameters) in zip(numbers, commands, strict=True)
        ]
        os.write(self._out, b"".join(json.dumps(one).encode() + b"\0" for one in messages))
        results: dict[int, dict[str, Any]] = {}
        while len(results) < len(commands):
            answer = self._next()
            if answer.get("id") in numbers:
                assert "error" not in answer, answer
                results[answer["id"]] = answer["result"]
        return [results[number] for number in numbers]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            says = (select.select([self._in], [], [], 1.0)[0] for _ in range(LOOKS))
            assert any(says), "the browser says nothing"
            part = os.read(self._in, 1 << 16)
            assert part, "the browser has ended"
            self._received += part
        text, self._received = self._received.split(b"\0", 1)
        event = json.loads(text)
        method = event.get("method")
        if method == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif method in EVENTS:
            self.complaints.append(event["params"])
        return event

    def open(self, address: Path | str) -> None:
        """Open a file or an address, and wait until it is loaded completely.

        Only its own requests and errors are recorded from then on.
        """
        self.requests.clear()
        self.complaints.clear()
        url = address.as_uri() if isinstance(address, Path) else address
        self.send("Page.navigate", url=url)
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def look(self, *, width: int, scheme: str = "light", touch: bool = False) -> None:
        """Set the window's width, the colour scheme, and whether it is touched."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=features)
        self.send("Emulation.setTouchEmulationEnabled", enabled=touch)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of its promise."""
        how = {"returnByValue": True, "awaitPromise": True}
        found = self.send("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def renderer_seconds(self) -> float:
        """The processor time that the page's process has used, in seconds."""
        session, self._session = self._session, None  # the browser itself is asked
        try:
            processes = self.send("SystemInfo.getProcessInfo")["processInfo"]
        finally:
            self._session = session
        return sum(one["cpuTime"] for one in processes if one["type"] == "renderer")

    def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        for _ in range(QUICK_LOOKS):
            if self.value(condition):
                return
            time.sleep(0.02)
        raise AssertionError(f"it has not come about: {condition}")

    def place_of(
        self, element: str, share: tuple[float, float] = (0.5, 0.5)
    ) -> tuple[float, float]:
        """A position within an element of the window, in CSS pixels; it is scrolled there."""
        self.value(f"{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y, width, height = self.value(
            f"(({{ x, y, width, height }}) => [x, y, width, height])"
            f"({element}.getBoundingClientRect())"
        )
        return x + share[0] * width, y + share[1] * height

    def click(self, element: str, share: tuple[float, float] = (0.5, 0.5)) -> None:
        """Click an element, given by an expression, with the mouse."""
        place = self.place_of(element, share)
        self.together(*(_mouse(kind, *place, held=1) for kind in ("mousePressed", "mouseReleased")))

    def mouse(self, kind: str, x: float, y: float, held: int = 1) -> None:
        self.together(_mouse(kind, x, y, held))

    def touch(self, *places: tuple[float, float]) -> None:
        """Put a finger down, move it through these positions, and lift it."""
        kinds = ["touchStart", *["touchMove"] * (len(places) - 1)]
        points = [[{"x": x, "y": y}] for x, y in places]
        events = [
            ("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
            for kind, at in zip([*kinds, "touchEnd"], [*points, []], strict=True)
        ]
        if len(places) == 1:
            self.together(*events)
        else:  # moves in one piece would become one
            for event in events:
                self.together(event)

    def write(self, element: str, text: str) -> None:
        """Replace the text of a field, and press Enter."""
        self.click(element)
        self.value(f"{element}.select()")
        self.send("Input.insertText", text=text)
        self.press("Enter", 13, "\r")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key; `code` is its virtual key code."""
        common = {"key": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", **common, **({"text": text} if text else {})}
        up = {"type": "keyUp", **common}
        self.together(*(("Input.dispatchKeyEvent", one) for one in (down, up)))

    def close(self) -> None:
        os.close(self._out)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)


def _mouse(kind: str, x: float, y: float, held: int) -> tuple[str, dict[str, Any]]:
    """What tells the browser of the mouse."""
    event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": held, "clickCount": 1}
    return "Input.dispatchMouseEvent", event
