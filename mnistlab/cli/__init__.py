"""The command line: one file per command, options only."""

import contextlib
import os
import sys
from types import TracebackType


def _report_ctrl_c(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        # Without a further import, which would change the process's exit code.
        with contextlib.suppress(OSError):  # stderr may be closed
            os.write(2, b"stopped by Ctrl-C\n")
    else:
        sys.__excepthook__(kind, error, where)


# Until a command runs, Ctrl-C would print the traceback of an import.
sys.excepthook = _report_ctrl_c
