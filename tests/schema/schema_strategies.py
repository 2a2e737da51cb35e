"""Any configuration that the JSON Schema allows, but small; and any that it does not allow."""

from random import Random
from typing import Any

from hypothesis import strategies as st
from schema_draws import Draws


def configurations() -> st.SearchStrategy[dict[str, Any]]:
    """What the schema allows, keys not yet put right; one number in ten is extreme."""
    # Most runs with an extreme number diverge.
    return st.integers(0, 2**63).map(lambda seed: Draws(Random(seed), extreme=0.1).configuration())


# Wrong values and keys, some of which are allowed in some places.
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["softmax", "mlp", "relu", "full", "auto", "1e-3", "nan", "~", "[", "../x"]),
    st.lists(st.integers(-1, 2), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(-1, 2), max_size=2),
)


def _places(value: Any, path: tuple = ()) -> list[tuple]:
    inside = value.items() if isinstance(value, dict) else ()
    return [path, *(place for key, one in inside for place in _places(one, (*path, key)))]


def _replaced(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    return {**value, path[0]: _replaced(value[path[0]], path[1:], new)}


@st.composite
def spoilt(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """A configuration with a wrong value, or a key too many, anywhere."""
    path = draw(st.sampled_from(_places(whole)))
    found = whole
    for key in path:
        found = found[key]
    if isinstance(found, dict) and draw(st.booleans()):
        return _replaced(whole, path, {**found, draw(st.text(min_size=1, max_size=8)): 1})
    return _replaced(whole, path, draw(WRONG))
