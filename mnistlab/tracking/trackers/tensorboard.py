"""TensorBoard: event files, with scalars, hyperparameters, figures and the configuration."""

import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mnistlab.store.status import Status
from mnistlab.support.metric_names import PARTS, SPLIT_METRICS
from mnistlab.support.text_format import plain_yaml
from mnistlab.tracking.tracker import Log, Outcome, Plain, Point, Store, TrackedRun, Tracker

# A prefix makes a section of the page.
TAGS = {
    getattr(part, what): f"{what}/{part.prefix}" for part in PARTS for what in ("loss", "accuracy")
}
FINAL = "final"
MOST_CHOICES = 12  # of a hyperparameter's numbers; more are shown as an interval
SESSION_STATUS = {
    Status.RUNNING: "STATUS_RUNNING",
    Status.INTERRUPTED: "STATUS_RUNNING",
    Status.FAILED: "STATUS_FAILURE",
    Status.DIVERGED: "STATUS_FAILURE",
}


class Events(Store):
    """Event files, in a folder for each run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, run: TrackedRun) -> Log:
        folder = self.folder / run.name
        return _Sweep(folder, run) if run.is_sweep else _Run(folder, run)


class _Run:
    """The event files of a run. Each process adds a file, and writes what the others lack."""

    def __init__(self, folder: Path, run: TrackedRun) -> None:
        from tensorboard.plugins.hparams import summary_v2 as hparams

        self.file = _EventFile(folder)
        self.last = dict(_last_steps(folder))
        start = run.started.timestamp()
        summary = hparams.hparams_pb(dict(run.parameters), trial_id=run.name, start_time_secs=start)
        text = "\n".join(f"| {key} | {plain_yaml(value)} |" for key, value in run.settings.items())
        table = _text_summary("configuration", f"| key | value |\n| --- | --- |\n{text}")
        self._write(0, start, [summary, table])

    def add(self, points: Sequence[Point]) -> None:
        for point in points:
            scalars = [_scalar(TAGS.get(name, name), v) for name, v in point.values.items()]
            self._write(point.step, point.time, scalars)

    def end(self, outcome: Outcome) -> None:
        summaries = [_scalar(f"{FINAL}/{name}", v) for name, v in outcome.metrics.items()]
        summaries += [_image(f"figures/{name}", file) for name, file in outcome.figures.items()]
        self._write(outcome.step, outcome.time, summaries)
        if outcome.status is not Status.INTERRUPTED:
            self._write(outcome.step, outcome.time, [_session_end(outcome)])

    def _write(self, step: int, time: float, summaries: Iterable[Any]) -> None:
        """Write the summaries whose tags have no such step yet."""
        new = [one for one in summaries if self.last.get(one.value[0].tag, -1) < step]
        self.file.write(step, time, new)
        self.last |= {one.value[0].tag: step for one in new}


class _Sweep:
    """The event file of a sweep itself, which is written when it ends: TensorBoard keeps the first
    description of hyperparameters that it reads.
    """

    def __init__(self, folder: Path, run: TrackedRun) -> None:
        self.folder = folder
        self.run = run

    def add(self, points: Sequence[Point]) -> None:
        """A sweep has no points of its own."""

    def end(self, outcome: Outcome) -> None:
        from tensorboard.plugins.hparams import summary_v2 as hparams

        before = list(_event_files(self.folder))
        shown = [hparams.HParam(key, _domain(values)) for key, values in outcome.swept.items()]
        metrics = [hparams.Metric(f"{FINAL}/{name}", display_name=name) for name in SPLIT_METRICS]
        start = self.run.started.timestamp()
        described = hparams.hparams_config_pb(shown, metrics, time_created_secs=start)
        images = [_image(f"figures/{name}", file) for name, file in outcome.figures.items()]
        _EventFile(self.folder).write(outcome.step, outcome.time, [described, *images])
        for file in before:
            file.unlink()


class _EventFile:
    """A file of this process, which is created by the first write."""

    def __init__(self, folder: Path) -> None:
        number = time.time_ns()
        name = f"events.out.tfevents.{number // 10**9}.{socket.gethostname()}.{os.getpid()}"
        self.path = folder / f"{name}.{number}"

    def write(self, step: int, time: float, summaries: Sequence[Any]) -> None:
        """Append one event with these summaries, if there are any."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        if not summaries:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        values = [value for summary in summaries for value in summary.value]
        with self.path.open("ab") as file:
            writer = RecordWriter(file)
            if file.tell() == 0:
                begin = Event(wall_time=time, file_version="brain.Event:2")
                writer.write(begin.SerializeToString())
            event = Event(wall_time=time, step=step, summary=Summary(value=values))
            writer.write(event.SerializeToString())


def _event_files(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("events.out.tfevents.*")))


def _last_steps(folder: Path) -> Iterator[tuple[str, int]]:
    """The tags of what is there, each with its steps, the last one last."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    for file in _event_files(folder):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                yield value.tag, event.step


def _scalar(tag: str, value: float) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=tag, simple_value=value)])


def _image(tag: str, file: Path) -> Any:
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary

    with Image.open(file) as opened:
        width, height = opened.size
    image = Summary.Image(
        width=width, height=height, colorspace=4, encoded_image_string=file.read_bytes()
    )
    return Summary(value=[Summary.Value(tag=tag, image=image)])


def _text_summary(tag: str, markdown: str) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING
    from tensorboard.plugins.text.metadata import create_summary_metadata

    one = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_STRING, string_val=[markdown.encode()], tensor_shape=one)
    metadata = create_summary_metadata(display_name=tag, description="")
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])


def _session_end(outcome: Outcome) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    status = getattr(api_pb2, SESSION_STATUS.get(outcome.status, "STATUS_SUCCESS"))
    info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=outcome.time)
    content = plugin_data_pb2.HParamsPluginData(session_end_info=info)
    return Summary(
        value=[
            Summary.Value(
                tag=metadata.SESSION_END_INFO_TAG,
                metadata=metadata.create_summary_metadata(content),
                tensor=metadata.NULL_TENSOR,
            )
        ]
    )


def _domain(values: Sequence[Plain]) -> Any:
    """What the page offers to choose from: the values, or the interval of many numbers."""
    from tensorboard.plugins.hparams import summary_v2 as hparams

    distinct = list(dict.fromkeys(values))
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in distinct):
        numbers = [float(v) for v in distinct]
        if len(numbers) > MOST_CHOICES:
            return hparams.RealInterval(min(numbers), max(numbers))
        return hparams.Discrete(numbers)
    return hparams.Discrete(distinct)


TRACKER = Tracker(
    name="tensorboard",
    description="tensorboard has event files in a folder for each run.",
    needs=("tensorboard",),
    connect=Events,
    shows="tensorboard --logdir {folder}",
)
