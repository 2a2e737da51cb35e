"""A worker process: it runs trial after trial for the sweep's process, and ends with it.

Started by executors.py. Heavy modules are imported after a thread listens to the sweep's process,
so that its death is noticed from the first moment on.
"""

import logging
import os
import queue
import socket
import threading
import time
from pathlib import Path
from typing import Any

from mnistlab.support.platform import system
from mnistlab.sweeps.channel import Channel

# The time that a worker has to save a checkpoint if its sweep has died.
SECONDS_TO_STOP = 3.0
SECONDS_BETWEEN_REPORTS = 0.2


def main(descriptor: int, data_dir: str) -> None:
    """Run the trials that come through the socket `descriptor` until it is closed."""
    channel = Channel(socket.socket(fileno=descriptor))
    tasks: queue.Queue[list[dict[str, Any]] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(channel, tasks), daemon=True).start()
    system.be_ended_first()  # this worker is replaced; the sweep is not
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
                system.stop_this_process()
            else:
                tasks.put(message["tasks"])
    tasks.put(None)
    system.stop_this_process()
    time.sleep(SECONDS_TO_STOP)
    os._exit(1)


class _Warnings(logging.Handler):
    """Collects mnistlab's warnings for the sweep's process to show."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.WARNING)
        self.channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self.channel.send(warning=record.getMessage())
