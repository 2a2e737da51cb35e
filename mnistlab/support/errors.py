"""The errors that a user can cause, each with the exit code of the command that meets it."""

from mnistlab.support.safe_text import one_line


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
