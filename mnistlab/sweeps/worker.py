"""A worker process: it runs trial after trial for the sweep's process, and ends with it.

Started by executors.py. Heavy modules are imported after a thread listens to the sweep's process,
so that its death is noticed from the first moment on.
"""

import logging
import os
import queue
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

from mnistlab.sweeps.channel import Channel

# The time that a worker has to save a checkpoint if its sweep has died.
SECONDS_TO_STOP = 3.0
SECONDS_BETWEEN_REPORTS = 0.2


def main(descriptor: int, data_dir: str) -> None:
    """Run the trials that come through the socket `descriptor` until it is closed."""
    channel = Channel(socket.socket(fileno=descriptor))
    tasks: queue.Queue[list[dict[str, Any]] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(channel, tasks), daemon=True).start()
    _be_the_first_to_go()
    # Not before: importing numba alone takes a second on a busy machine.
    from mnistlab.sweeps.run_trial import TrialRunner

    logging.getLogger("mnistlab").addHandler(_Warnings(channel))
    runner = TrialRunner(Path(data_dir), channel)
    while (task := tasks.get()) is not None:
        runner.run(task)


def _listen(channel: Channel, tasks: "queue.Queue[list[dict[str, Any]] | None]") -> None:
    """Pass tasks on. SIGTERM lets a run save a checkpoint, and ends a worker without one."""
    while (messages := channel.receive()) is not None:
        for message in messages:
            if "stop" in message:
                tasks.put(None)
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                tasks.put(message["tasks"])
    tasks.put(None)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_STOP)
    os._exit(1)


def _be_the_first_to_go() -> None:
    """If memory runs out, let the system end this worker, which is replaced, and not the sweep."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("800", encoding="utf-8")


class _Warnings(logging.Handler):
    """Collects mnistlab's warnings for the sweep's process to show."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.WARNING)
        self.channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self.channel.send(warning=record.getMessage())
