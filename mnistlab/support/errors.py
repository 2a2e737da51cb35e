"""The errors that a user can cause, each with the exit code of the command that meets it."""

import errno

from mnistlab.support.safe_text import one_line

FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class MnistlabError(Exception):
    """An error that a user can cause and mend: shown without a traceback, one line per message."""

    exit_code = 1

    def __init__(self, *messages: str) -> None:
        self.messages = tuple(map(one_line, messages))
        super().__init__("\n".join(self.messages))


class UsageError(MnistlabError):
    """The command line is wrong, or a file given is unusable."""

    exit_code = 2


class LackingError(UsageError):
    """A run or sweep has no such data, though nothing is damaged: never measured, or not yet."""


class ConfigError(UsageError):
    """A configuration is wrong: every error of the file, each with `file:line:column`."""


class DataError(MnistlabError):
    """A dataset is missing or damaged: which file, what was expected, what to do."""

    exit_code = 4


def is_forbidden(error: BaseException) -> bool:
    """Whether the system does not let this user read, or write, what the command line names."""
    return isinstance(error, OSError) and error.errno in FORBIDDEN


def data_error(message: str, cause: OSError | ValueError) -> MnistlabError:
    """The error of a dataset that can't be opened: it is neither missing nor damaged where this
    user may not.
    """
    return UsageError(message) if is_forbidden(cause) else DataError(message)
