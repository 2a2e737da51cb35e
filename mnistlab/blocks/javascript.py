"""The forward pass of a block in JavaScript, for a network that answers on a page.

A block's function has the block's name and stands beside its Python file: `NAME.js`, or
`forward.js` in the block's folder. It gets `x`, `y` and the layer: its `settings` (the keys in
YAML), its shapes `input` and `output`, and its tensors by their kind. It fills all of `y`.
"""

import inspect
from pathlib import Path
from typing import Any

from mnistlab.support.errors import LackingError


def forward_in_javascript(block: Any) -> str:
    """The source of a layer's or activation's function; raises LackingError if it has none."""
    file = Path(inspect.getfile(type(block)))
    script = file.with_name("forward.js") if file.stem == "__init__" else file.with_suffix(".js")
    try:
        return script.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LackingError(f"{block.type} has no forward pass in JavaScript") from None
