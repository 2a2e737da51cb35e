"""What an op does with a piece of a weight's gradient as soon as it is summed, in registers.

It is stored, or the optimizer's step is taken at once: the gradient is then never written to memory
and read again. The plain definitions are in blocks/optimizers/.
"""

from typing import Any

import numpy as np

from mnistlab.runtime.actions import ADD, MOMENTUM, SET, SGD
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.elementary import fma
from mnistlab.runtime.vectors import load, spread, store


@generic_kernel
def act_on_gradient(
    action: int,
    g: np.ndarray,
    W: np.ndarray,
    G: np.ndarray,
    at: Any,
    lr: float,
    momentum: float,
    lanes: int,
    count: int | None = None,
) -> None:
    """Act on the gradient g (lanes,) of the weights W[at : at + lanes]; W and G are (n,).

    Of the lanes, `count` exist.

    SET: G = g. ADD: G ← G + g. DECAY: G ← momentum · G + g. SGD: W ← W − lr · g. MOMENTUM: G ←
    momentum · G + g; W ← W − lr · G.
    """
    T = W.dtype.type
    if action == SET:
        store(G, at, g, count)
    elif action == ADD:
        store(G, at, fma(spread(T(1), lanes), g, load(G, at, lanes, count)), count)
    elif action == SGD:
        store(W, at, fma(spread(T(-lr), lanes), g, load(W, at, lanes, count)), count)
    else:
        v = fma(spread(T(momentum), lanes), load(G, at, lanes, count), g)
        store(G, at, v, count)
        if action == MOMENTUM:
            store(W, at, fma(spread(T(-lr), lanes), v, load(W, at, lanes, count)), count)
