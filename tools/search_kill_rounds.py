"""Kill a sweep that learns and prunes with -9 at random moments, and resume it: with one worker it
must ask for the same points, stop the same trials at the same epochs, and end on the same bits.

`python -m tools.search_kill_rounds --kills 20` does it to 60 trials of TPE with ASHA; the test in
tests/reliability/test_sweep_kill.py to a few.
"""

from collections.abc import Sequence

from tools import sweep_kill_rounds
from tools.sweep_kill_rounds import Report

LEARNING = (
    "optimizer.lr={loguniform: [1.0e-5, 0.1]}",
    "regularization.l2={loguniform: [1.0e-7, 1.0e-2]}",
    "training.epochs=9",
    "prune={type: asha}",
    "method={type: tpe, trials: 60}",
)


def rounds(
    kills: int, values: Sequence[str] = LEARNING, seed: int = 0, spread: float = 0.8
) -> Report:
    """Kill a sweep with one worker `kills` times, and let it end."""
    return sweep_kill_rounds.rounds(kills, values, seed, spread, ("--workers", "1"))


if __name__ == "__main__":
    sweep_kill_rounds.main(rounds, __doc__, kills=20, what=("half_done", "carried_on"))
