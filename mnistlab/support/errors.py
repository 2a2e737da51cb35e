"""The errors that a user can cause, each with the exit code of the command."""

import errno

from mnistlab.support.safe_text import one_line

FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class MnistlabError(Exception):
    """An error that a user can cause and fix: shown without a traceback, one line per message."""

    exit_code = 1

    def __init__(self, *messages: str) -> None:
        self.messages = tuple(map(one_line, messages))
        super().__init__("\n".join(self.messages))


class UsageError(MnistlabError):
    """The command line is wrong, or a given file is unusable."""

    exit_code = 2


class LackingError(UsageError):
    """A run or sweep does not have these data: never measured, or not yet. Nothing is damaged."""


class DoesNotApplyError(LackingError):
    """A figure that such a run never has, as that of a divergence where nothing diverged."""


class ConfigError(UsageError):
    """A configuration is wrong: every error of the file, each with `file:line:column`."""


class DataError(MnistlabError):
    """A dataset is missing or damaged: which file, what was expected, what to do."""

    exit_code = 4


def is_forbidden(error: BaseException) -> bool:
    """Whether the system denies this user access to what the command line names."""
    return isinstance(error, OSError) and error.errno in FORBIDDEN


def data_error(message: str, cause: OSError | ValueError) -> MnistlabError:
    """The error for a dataset that cannot be opened. Without permission it is a UsageError, because
    the dataset is neither missing nor damaged.
    """
    return UsageError(message) if is_forbidden(cause) else DataError(message)
