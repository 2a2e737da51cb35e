"""The number of lanes of an op, from its shape alone, never from the number of threads."""

# Below this many multiplications a part is not worth the launch of a parallel loop (about 2 µs).
WORK_PER_LANE = 200_000
MOST_LANES = 8
ROWS_PER_LANE = 8


def lanes_for(work: int) -> int:
    """The number of lanes for `work` multiplications (or a few times as many additions)."""
    return _power_of_two(min(MOST_LANES, work // WORK_PER_LANE))


def row_lanes(rows: int, work_per_row: int, grain: int) -> int:
    """The number of lanes for `rows`, of which `grain` stay together."""
    most = -(-rows // max(grain, ROWS_PER_LANE))
    return _power_of_two(min(lanes_for(rows * work_per_row), most))


def _power_of_two(lanes: int) -> int:
    """The largest power of two that is not above `lanes`; 1 for 0.

    Two or four threads then have the same number of lanes each.
    """
    return 1 << (max(lanes, 1).bit_length() - 1)
