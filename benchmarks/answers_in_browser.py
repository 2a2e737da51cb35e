"""How often the network on a run's page answers a moving pen, in Chromium.

    python -m benchmarks.answers_in_browser RUN...

Each movement draws a piece of a stroke. Then the page prepares the drawing, computes all layers and
shows them, as it does for a user, but without waiting for the screen's next frame. The figure is
the best of several, because other programs take time from the browser.
"""

import sys
import tempfile
from pathlib import Path

from mnistlab.store.run_dir import open_run
from tools.chromium import Page

REPEATS, MILLISECONDS = 5, 2000
SECTION = "document.getElementById('try-it-section')"
# A stroke around the middle of the paper, which begins anew after 60 movements.
MOVES = f"""(async () => {{
  const {{ active: drawing, network, layers }} = {SECTION}.tryIt;
  const place = (angle) => [112 + 60 * Math.cos(angle), 112 + 80 * Math.sin(angle)];
  const start = performance.now();
  let answers = 0;
  for (; performance.now() - start < {MILLISECONDS}; answers++) {{
    if (answers % 60 === 0) drawing.ink.clear();
    drawing.ink.stroke(place(answers / 10), place((answers + 1) / 10), 18, false);
    drawing._showPaper();
    drawing.prepare();
    network.enter(drawing.seen, drawing.memory);
    await network.run(drawing.memory);
    drawing.show();
    layers.show();
  }}
  return 1000 * answers / (performance.now() - start);
}})()"""


def answers_per_second(run: Path) -> float:
    """The best of several measurements of a run's page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Page(Path(profile))
        try:
            page.look(width=1280)
            page.open(open_run(run).report)
            page.until(f"Boolean({SECTION}?.tryIt?.answers)")
            return max(page.value(MOVES) for _ in range(REPEATS))
        finally:
            page.close()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {answers_per_second(Path(name)):.0f} answers a second")
