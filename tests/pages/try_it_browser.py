"""The section "Try it" in a browser: its parts, strokes of the mouse, when it has answered."""

import base64

import numpy as np

from tools import chromium

SECTION = "document.getElementById('try-it-section')"
TRY = f"{SECTION}.tryIt"
# Waits until the page has answered everything.
SETTLED = f"""new Promise((done) => {{
  const look = () => ({SECTION}.tryIt && !{TRY}.isAsked && !{TRY}.waiting.size && {TRY}.answers
    ? done({TRY}.answers) : setTimeout(look));
  look();
}})"""
OUTPUTS = (
    f"[...{SECTION}.querySelectorAll('[data-output]')].map((row) => Number(row.dataset.output))"
)


class Browser(chromium.Page):
    """A page whose section "Try it" is used."""

    def opened(self, folder):
        self.open(folder / "report.html")
        self.value(SETTLED)

    def part(self, what):
        return f"{SECTION}.querySelector('[data-part=\"{what}\"]')"

    def use(self, element, share=(0.5, 0.5)):
        """Click an element, and wait for the answer."""
        self.click(element, share)
        self.value(SETTLED)

    def draw(self, points):
        """Draw a stroke with the mouse through points of the paper, as shares of its side."""
        places = [self.place_of(self.part("paper"), point) for point in points]
        self.mouse("mousePressed", *places[0])
        for place in places[1:]:
            self.mouse("mouseMoved", *place)
        self.mouse("mouseReleased", *places[-1], held=0)
        self.value(SETTLED)

    def bytes_of(self, expression):
        """A Uint8Array of the page."""
        text = self.value(f"btoa(String.fromCharCode(...{expression}))")
        return np.frombuffer(base64.b64decode(text), np.uint8)
