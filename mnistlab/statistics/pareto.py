"""Points that several scores order only in part: which dominate which."""

from collections.abc import Sequence

import numpy as np


def domination_ranks(scores: Sequence[Sequence[float]]) -> list[int]:
    """The rank of each point, from its scores, of which higher ones are better.

    A point dominates another one if none of its scores is worse and one is better. Points that no
    point dominates, the Pareto front, have rank 1; those that only these dominate have rank 2, and
    so on (Goldberg 1989). Efficient non-dominated sort with binary search (Zhang et al. 2015).
    """
    table = np.asarray(scores, dtype=np.float64)
    ranks = [0] * len(table)
    # After this order, no point dominates an earlier one.
    order = sorted(range(len(table)), key=lambda point: tuple(-table[point]))
    fronts: list[list[int]] = []
    for point in order:
        # Whoever is not dominated by a front's points is not by those of later fronts.
        low, high = 0, len(fronts)
        while low < high:
            middle = (low + high) // 2
            if _is_dominated(table[point], table[fronts[middle]]):
                low = middle + 1
            else:
                high = middle
        if low == len(fronts):
            fronts.append([])
        fronts[low].append(point)
        ranks[point] = low + 1
    return ranks


def _is_dominated(point: np.ndarray, others: np.ndarray) -> bool:
    """Whether any of the others dominates a point; scores (scores,) and (others, scores)."""
    return bool(((others >= point).all(axis=1) & (others > point).any(axis=1)).any())
