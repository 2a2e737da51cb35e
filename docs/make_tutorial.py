"""Run the commands of docs/tutorial.md on real MNIST; put their figures and results on the page.

    python -m docs.make_tutorial --runs DIR

Takes minutes. A run or sweep that DIR has already is not trained again.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from docs.markdown import between
from mnistlab.support.text_format import in_print, percent

DOCS = Path(__file__).parent
PAGE = DOCS / "tutorial.md"
WIDTH = 800  # pixels: as wide as a page shows them
COLOURS = 256


class Figure(NamedTuple):
    """A figure of the page: of which run or sweep, which of its plots."""

    run: str
    plot: str


FIGURES = {
    "tutorial-softmax-curves": Figure("softmax", "learning_curves"),
    "tutorial-softmax-weights": Figure("softmax", "weights"),
    "tutorial-sweep": Figure("mnist-softmax-sweep", "heat_map"),
    "tutorial-mlp-curves": Figure("mlp", "learning_curves"),
    "tutorial-mlp-weights": Figure("mlp", "weights"),
    "tutorial-dropout-curves": Figure("mlp-dropout", "learning_curves"),
    "tutorial-cnn-curves": Figure("cnn", "learning_curves"),
    "tutorial-cnn-maps": Figure("cnn", "feature_maps"),
    "tutorial-cnn-mistakes": Figure("cnn", "mistakes"),
}
TRAINED = ("softmax", "mlp", "mlp-dropout", "cnn")


def commands() -> list[list[str]]:
    """The page's commands that train, as words."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    words = [shlex.split(line, comments=True) for line in lines if line.startswith("mnistlab ")]
    return [one for one in words if one[1] == "sweep" or "--name" in one]


def name_of(words: list[str]) -> str:
    """What the folder of a command's run or sweep is called after its time."""
    if words[1] == "sweep":
        return f"{Path(words[2]).stem}-sweep"
    return words[words.index("--name") + 1]


def folder(runs: Path, name: str) -> Path | None:
    """The newest folder of that name."""
    found = sorted(runs.glob(f"????????-??????-{name}-??????"))
    found += sorted(runs.glob(f"????????-??????-{name}"))
    return found[-1] if found else None


def trained(runs: Path, words: list[str]) -> Path:
    """The folder of a command, run now where there is none yet."""
    name = name_of(words)
    if folder(runs, name) is None:
        subprocess.run([sys.executable, "-m", *words, "--runs-dir", str(runs)], check=True)
    found = folder(runs, name)
    assert found is not None, f"{words} left no folder {name}"
    return found


def drawn(of: Path, plot: str) -> Path:
    """A figure of a run's or sweep's folder, drawn now where training has not drawn it."""
    path = of / "plots" / f"{plot}.png"
    if not path.exists():
        visualize = ["mnistlab", "visualize", str(of), "--only", plot]
        subprocess.run([sys.executable, "-m", *visualize], check=True)
    return path


def shrunk(source: Path, target: Path) -> None:
    """The picture, no wider than the page, in few colours."""
    with Image.open(source) as image:
        size = (min(WIDTH, image.width), round(image.height * min(1, WIDTH / image.width)))
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    # By an octree: the median cut spends its colours on the paper, and takes red for brown.
    octree, no_dots = Image.Quantize.FASTOCTREE, Image.Dither.NONE
    small.quantize(COLOURS, method=octree, dither=no_dots).save(target, optimize=True)


def results(folders: dict[str, Path]) -> str:
    """What the trained runs came to, as a table."""
    lines = ["| model | weights and biases | training | validation | test | wrong of 10,000 |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in TRAINED:
        record = json.loads((folders[name] / "run.json").read_text(encoding="utf-8"))
        metrics = record["metrics"]
        count = sum(layer["parameters"] for layer in record["layers"])
        shares = [
            in_print(percent(metrics[f"{split}_accuracy"])) for split in ("train", "val", "test")
        ]
        wrong = round(10_000 * (1 - metrics["test_accuracy"]))
        lines.append(f"| {name} | {count:,} | {' | '.join(shares)} | {wrong} |")
    return "\n".join(lines)


def main() -> None:
    """Train what is missing, and fill in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="where run folders are made")
    runs = parser.parse_args().runs
    folders = {name_of(words): trained(runs, words) for words in commands()}
    for name, figure in FIGURES.items():
        source = drawn(folders[figure.run], figure.plot)
        shrunk(source, DOCS / "images" / f"{name}.png")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(between(page, "results", results(folders)), encoding="utf-8")


if __name__ == "__main__":
    main()
