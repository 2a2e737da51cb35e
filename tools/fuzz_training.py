"""Compares drawn trainings with a second implementation in plain numpy, and bit by bit with itself.

`python -m tools.fuzz_training --draws 5000 --seed 1` draws configurations from the JSON Schema and
trains each for a few steps: compared with the equations, on two threads, stopped and resumed. Draw
N of a seed is always the same, so `--first N` continues from there and `--first N --draws 1`
repeats one. It stops at the first draw that differs, and prints its YAML.
"""

import argparse
import os
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "2")
TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS / folder) for folder in ("fuzz", "training", "schema")]

from training_draws import draw  # noqa: E402
from training_rounds import hold  # noqa: E402
from watched import sentences  # noqa: E402

from mnistlab.runtime.compiler import INTERPRETED  # noqa: E402

EVERY = 100
DRAWS_FOR_EVERY_KEY = 2000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first draw's number")
    parser.add_argument("--go-on", action="store_true", help="after a draw that differs, too")
    parser.add_argument("--float64", action="store_true", help="train nothing in float32")
    options = parser.parse_args()
    if not INTERPRETED:  # compiled code does not warn of an overflow
        warnings.simplefilter("error")
    outcomes: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    read: set[str] = set()
    for number in range(options.first, options.first + options.draws):
        with tempfile.TemporaryDirectory(prefix="mnistlab-fuzz-") as folder:
            drawn, config = draw(options.seed, number, Path(folder))
            refused += drawn.refused
            try:
                outcomes[hold(drawn, config, Path(folder), read, options.float64)] += 1
            except Exception:
                outcomes["DIFFERS"] += 1
                print(f"draw {number} of seed {options.seed}:\n{drawn.yaml}")
                print(traceback.format_exc())
                if not options.go_on:
                    break
        if (number + 1 - options.first) % EVERY == 0:
            print(f"{number + 1 - options.first} draws: {_told(outcomes)}", flush=True)
    print(f"refused by the loader: {_told(refused)}")
    print(_told(outcomes))
    if options.draws >= DRAWS_FOR_EVERY_KEY:
        print("\n".join(sentences(read)))
    return 1 if outcomes["DIFFERS"] else 0


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.most_common()) or "none"


if __name__ == "__main__":
    sys.exit(main())
