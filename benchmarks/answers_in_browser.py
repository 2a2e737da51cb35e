"""How often the network on a run's page answers a moving pen, in Chromium.

    python -m benchmarks.answers_in_browser RUN...

Each movement draws a piece of a stroke. Then the page prepares the drawing, computes all layers and
shows them, as it does for a user, but without waiting for the screen's next frame. The figures are
the best of several: answers per second of processor time, which other programs hardly change, and
answers per second.
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
  return [answers, (performance.now() - start) / 1000];
}})()"""


def answers_per_second(run: Path) -> tuple[float, float]:
    """The best of several measurements of a run's page: answers per second of processor time, and
    answers per second.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Page(Path(profile))
        try:
            page.look(width=1280)
            page.open(open_run(run).report)
            page.until(f"Boolean({SECTION}?.tryIt?.answers)")
            found = [_measured(page) for _ in range(REPEATS)]
            return max(one for one, _ in found), max(one for _, one in found)
        finally:
            page.close()


def _measured(page: Page) -> tuple[float, float]:
    before = page.renderer_seconds()
    answers, seconds = page.value(MOVES)
    return answers / (page.renderer_seconds() - before), answers / seconds


if __name__ == "__main__":
    for name in sys.argv[1:]:
        of_processor, in_passing = answers_per_second(Path(name))
        print(f"{name}: {of_processor:.0f} a second of processor time, {in_passing:.0f} a second")
