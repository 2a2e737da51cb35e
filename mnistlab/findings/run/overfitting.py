"""A validation loss that has risen while the training loss fell."""

import math
from collections.abc import Iterator

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.findings import Finding
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.text_format import number

RISE = 1.05  # reported if the last validation loss is at least this many times the lowest one


def find(run: Artefacts) -> Iterator[str]:
    if run.config.training.early_stopping is not None:
        return  # the kept weights are the best ones
    rows = [row for row in run.metrics if _measured(row)]
    if len(rows) < 3:
        return
    best, last = min(rows, key=lambda row: row.val_loss or 0.0), rows[-1]
    assert best.val_loss is not None
    assert last.val_loss is not None
    assert best.train_loss is not None
    assert last.train_loss is not None
    if last.val_loss < RISE * best.val_loss or last.train_loss >= best.train_loss:
        return
    by_step = len({row.epoch for row in rows}) < len(rows)
    after = rows[rows.index(best) + 1]
    start, lowest = (
        (f"step {after.step:,}", f"step {best.step:,}")
        if by_step
        else (f"epoch {after.epoch}", f"epoch {best.epoch}")
    )
    yield (
        f"The network overfits from {start}: the validation loss is lowest at {lowest}, "
        f"{number(best.val_loss)}, and ends at {number(last.val_loss)}, while the training loss "
        f"falls from {number(best.train_loss)} to {number(last.train_loss)}. Try "
        "training.early_stopping, model.dropout, regularization.l2, or more training images."
    )


def _measured(row: MetricsRow) -> bool:
    losses = (row.train_loss, row.val_loss)
    return all(loss is not None and math.isfinite(loss) for loss in losses)


FINDING = Finding(order=20, find=find)
