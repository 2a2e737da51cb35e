"""A forest of extremely randomised trees, for regression.

Source: Geurts, Ernst, Wehenkel, Extremely randomized trees (2006). All trees grow together, level
by level, so that a forest of a few dozen points takes hundredths of a second.
"""

from dataclasses import dataclass

import numpy as np

MOST_AT_ONCE = 1 << 20  # pairs of a tree and a row that are predicted together
LEAF = -1


@dataclass(frozen=True)
class Forest:
    """The nodes of all trees; the first `trees` are their roots.

    `split` int64 is the column that a node asks for, or LEAF. Rows of at most `threshold` go to the
    node `below`, others to the node after it. `value` is the mean of the outputs. All are (nodes,).
    """

    trees: int
    split: np.ndarray
    threshold: np.ndarray
    below: np.ndarray
    value: np.ndarray

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """The mean of the trees' outputs, (rows,), for inputs (rows, columns)."""
        size = max(1, MOST_AT_ONCE // self.trees)
        parts = [inputs[begin : begin + size] for begin in range(0, len(inputs), size)]
        return np.concatenate([self._predict(part) for part in parts])

    def _predict(self, inputs: np.ndarray) -> np.ndarray:
        nodes = np.repeat(np.arange(self.trees)[:, None], len(inputs), axis=1)
        rows = np.arange(len(inputs))
        while (self.split[nodes] != LEAF).any():
            # At a leaf `below` is the leaf, and its threshold is infinite: a row stays there.
            is_above = inputs[rows, self.split[nodes]] > self.threshold[nodes]
            nodes = self.below[nodes] + is_above
        return self.value[nodes].mean(axis=0)


def grown(inputs: np.ndarray, outputs: np.ndarray, trees: int, seed: int) -> Forest:
    """A forest of fully grown trees for inputs (rows, columns) and outputs (rows,).

    At a node each column gets one random threshold between its ends, and the one that leaves the
    least squared error is taken, of equal ones any. A node whose inputs or whose outputs are equal
    is a leaf.
    """
    stream = np.random.default_rng(seed)
    rows = np.tile(np.arange(len(inputs)), trees)  # of each sample; samples of a node are together
    starts = np.arange(trees) * len(inputs)  # of each node's samples
    split, threshold, below, value = [], [], [], []
    nodes = 0
    while len(starts):
        sizes = np.diff(starts, append=len(rows))
        at, y = inputs[rows], outputs[rows]
        low, high = (ends.reduceat(at, starts) for ends in (np.minimum, np.maximum))
        cut = low + (high - low) * stream.random(low.shape)
        is_above = at > np.repeat(cut, sizes, axis=0)
        gain = _gain(is_above, y, starts, sizes)
        # Of equal columns, such as two that always change together, each has its share of nodes.
        is_best = gain == gain.max(axis=1, keepdims=True)
        best = (is_best * (1 + stream.random(gain.shape))).argmax(axis=1)
        of_each = np.arange(len(starts))
        varies = np.maximum.reduceat(y, starts) > np.minimum.reduceat(y, starts)
        splits = varies & np.isfinite(gain[of_each, best])
        nodes += len(starts)
        split.append(np.where(splits, best, LEAF))
        threshold.append(np.where(splits, cut[of_each, best], np.inf))
        own = nodes - len(starts) + of_each
        below.append(np.where(splits, nodes + 2 * (np.cumsum(splits) - 1), own))
        value.append(np.add.reduceat(y, starts) / sizes)
        goes_on = np.repeat(splits, sizes)
        side = is_above[np.arange(len(rows)), np.repeat(best, sizes)]
        # The samples of a child follow each other: those below the threshold come first.
        child = 2 * np.repeat(np.cumsum(splits) - 1, sizes)[goes_on] + side[goes_on]
        order = np.argsort(child, kind="stable")
        rows = rows[goes_on][order]
        starts = np.flatnonzero(np.diff(child[order], prepend=-1))
    return Forest(trees, *map(np.concatenate, (split, threshold, below, value)))


def _gain(is_above: np.ndarray, y: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """By how much each column's threshold lowers the squared error, up to a constant of the node;
    (nodes, columns). -inf if all samples are on one side.
    """
    above = np.add.reduceat(is_above, starts, dtype=np.int64)
    below = sizes[:, None] - above
    sums = np.add.reduceat(is_above * y[:, None], starts)
    rest = np.add.reduceat(y, starts)[:, None] - sums
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = sums**2 / above + rest**2 / below
    return np.where((above > 0) & (below > 0), gain, -np.inf)
