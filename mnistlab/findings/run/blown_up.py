"""The update after which a run diverged."""

from collections.abc import Iterator

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.findings import Finding
from mnistlab.store.metrics import blow_up


def find(run: Artefacts) -> Iterator[str]:
    row = blow_up(run.last_steps)
    if row is not None:
        yield (
            f"The run blew up in step {row.step:,}: there the update of {row.layer} was "
            f"{row.update:.3g} times as large as its weights. A thousandth is usual."
        )


FINDING = Finding(order=5, find=find)
