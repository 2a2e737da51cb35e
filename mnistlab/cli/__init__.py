"""The command line: one file per command, options only."""

import sys
from types import TracebackType


def _report_ctrl_c(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("stopped by Ctrl-C", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, where)


# Until a command runs, Ctrl-C would print the traceback of an import.
sys.excepthook = _report_ctrl_c
