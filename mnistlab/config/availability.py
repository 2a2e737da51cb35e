"""What the configuration can say and the engine cannot do yet."""

from collections.abc import Callable

from mnistlab.config.checks import Conflict, KeyPath
from mnistlab.config.run import RunConfig

NOT_YET: tuple[tuple[str, Callable[[RunConfig], bool], str], ...] = (
    (
        "data.source",
        lambda config: config.data.source in ("png", "csv", "npz"),
        "reading png, csv and npz",
    ),
)


def unavailable(config: RunConfig) -> list[Conflict]:
    """What the configuration asks for that this version cannot do."""
    found = []
    for dotted, asked, what in NOT_YET:
        if asked(config):
            path: KeyPath = tuple(dotted.split("."))
            found.append(Conflict((path,), f"{what} is not available in this version of mnistlab"))
    return found
