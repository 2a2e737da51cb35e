"""Turns exceptions into messages and exit codes."""

import io
import logging
import os
import re
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from mnistlab.support.errors import MnistlabError, UsageError, is_forbidden
from mnistlab.support.near_names import did_you_mean
from mnistlab.support.safe_text import one_line
from mnistlab.support.signals import exit_code_of, stopping_signals
from mnistlab.terminal.output import drop, print_json, print_lines, print_note

# `typer.BadParameter` is public; its base class, which can show itself, is not.
CommandLineError: Any = typer.BadParameter.__mro__[2]


# What Python says of a failure without an exception: there was no memory to make one.
UNEXPLAINED = r"without (setting an )?exception"


class StoppedError(MnistlabError):
    """The user or the system has stopped the command."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP was received; the cleanup is the same as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_after(run: Callable[..., Any], args: Sequence[str] | None, *more: Any, **kw: Any) -> None:
    """Run the command line `args` (None: the process's own) and exit the process with its code."""
    arguments = list(sys.argv[1:] if args is None else args)
    flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    try:
        _check_characters(arguments)
        _check_empty_words(arguments)
        sys.exit(run(arguments, *more, **kw) or 0)
    except Exception as error:
        if isinstance(error, CommandLineError):
            from mnistlab.cli.near_flags import explain

            explain(error, flags)
        if "--debug" in flags:
            print_lines("".join(traceback.format_exception(error)).rstrip(), on_stderr=True)
        _report(error, as_json="--json" in flags)


def _check_characters(arguments: Sequence[str]) -> None:
    """Raises UsageError for a word with characters that this process's locale does not have."""
    for word in arguments:
        if _is_of_few_characters() and not word.isascii():
            typed = os.fsencode(word).decode(errors="backslashreplace")
            raise UsageError(f"command line: {typed}: {_few_characters()}")


def _check_empty_words(arguments: Sequence[str]) -> None:
    """Raises UsageError for a word or a value of an option that is empty, such as "$RUN" where RUN
    is not set: as a path it would name the working folder. Only the text of a note may be empty.
    """
    for number, word in enumerate(arguments):
        option = word.removesuffix("=") if word.startswith("--") and word.endswith("=") else None
        if word and option is None:
            continue
        before = [one for one in arguments[1:number] if not one.startswith("-")]
        if arguments[0] == "note" and before and option is None:
            continue
        last = option or (arguments[number - 1] if number else None)
        what = f"the word behind {last}" if last else "the first word"
        raise UsageError(f"command line: {what} is empty; is a variable not set?")


def _is_of_few_characters() -> bool:
    return sys.getfilesystemencoding() == "ascii"


def _few_characters() -> str:
    return "has characters that this environment's locale does not have; set PYTHONUTF8=1"


@contextmanager
def interrupts() -> Iterator[None]:
    """Turn a signal that stops the command into an ordinary error; flush stdout before the end."""
    others = [
        number for number in stopping_signals() if number != signal.SIGINT
    ]  # Python handles it
    before = {number: signal.signal(number, _terminate) for number in others}
    try:
        yield
        # At the interpreter's end, a closed pipe would print a traceback.
        sys.stdout.flush()
    except Terminated as stop:
        name = signal.Signals(stop.number).name
        raise StoppedError(f"stopped by {name}", exit_code_of(stop.number)) from stop
    except KeyboardInterrupt as stop:
        raise StoppedError("stopped by Ctrl-C", exit_code_of(signal.SIGINT)) from stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminate(number: int, _: Any) -> NoReturn:
    raise Terminated(number)


def _report(error: Exception, *, as_json: bool) -> NoReturn:
    messages, exit_code = describe(error)
    try:
        if as_json:
            print_json({"status": "error", "exit_code": exit_code, "errors": messages})
        sys.stdout.flush()
    except OSError:  # stdout is closed, or its disk is full; stderr has the message
        drop("stdout")
    if isinstance(error, CommandLineError):
        print_lines(_with_usage(error), on_stderr=True)
    else:
        for message in messages:
            print_note(message)
    sys.exit(exit_code)


def _with_usage(error: Any) -> str:
    """An error of the command line, the usage above it; where a command is missing, the help."""
    text, message = io.StringIO(), error.format_message()
    error.show(file=text)
    shown = text.getvalue().rstrip()
    return shown if _is_help(error) else shown.replace(message, one_line(_joined(message)))


def _joined(message: str) -> str:
    """A message in one line: the library lists choices below each other."""
    return " ".join(message.split())


def _is_help(error: Any) -> bool:
    """Whether the help of a group stands in the place of a message."""
    context = getattr(error, "ctx", None)
    return context is not None and error.format_message() == context.get_help()


def _in_our_words(error: Any) -> None:
    """Put our words in the place of those of the library that validates options."""
    if _is_help(error):
        return
    message = _joined(error.message or "")
    for pattern, words in _WORDS.items():
        message = re.sub(pattern, words, message)
    if (choice := re.fullmatch(r"'(.*)' is not one of (.*)\.", message)) is not None:
        allowed = re.findall(r"'([^']*)'", choice[2])
        hint = did_you_mean(choice[1], allowed)
        message = f"found {choice[1]!r}, must be one of {', '.join(allowed)}{hint}"
    error.message = message or error.message


# The words of the library, and ours.
_WORDS = {
    r"^Value error, ": "",
    r"Input should be greater than or equal to ": "must be at least ",
    r"Input should be less than or equal to ": "must be at most ",
    r"Input should be less than ": "must be below ",
    r"Input should be a valid integer.*": "must be a whole number",
    r"Input should be a valid number.*": "must be a number",
    r"Input should be ": "must be ",
}


def describe(error: Exception) -> tuple[list[str], int]:
    """The messages for an exception, and its exit code."""
    if isinstance(error, MnistlabError):
        return list(error.messages), error.exit_code
    if isinstance(error, CommandLineError):
        _in_our_words(error)
        return [_joined(error.format_message())], error.exit_code
    if isinstance(error, typer.Abort):
        return ["aborted"], 1
    if isinstance(error, MemoryError):
        return [f"not enough memory: {error}".removesuffix(": ")], 1
    if isinstance(error, UnicodeEncodeError) and _is_of_few_characters():
        return [f"the path {error.object}: {_few_characters()}"], UsageError.exit_code
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        messages = [f"{place}{error.strerror}", *getattr(error, "__notes__", [])]
        return messages, UsageError.exit_code if is_forbidden(error) else 1
    if isinstance(error, ImportError | OSError):
        text = f"a library cannot be loaded: {error}"
        return [f"{text}; is the memory of this process limited (ulimit -v)?"], 1
    if isinstance(error, SystemError) and re.search(UNEXPLAINED, str(error)):
        text = f"Python, or a library, failed and could not say why: {error}"
        return [f"{text}; is the memory of this process limited (ulimit -v)?"], 1
    cause = f"{type(error).__name__}: {error}".removesuffix(": ")
    return [f"internal error in mnistlab: {cause} (--debug shows the traceback)"], 1


class _StderrHandler(logging.Handler):
    """Warnings as plain lines on the current stderr, so that they go above a bar."""

    def emit(self, record: logging.LogRecord) -> None:
        print_note(f"{record.levelname.lower()}: {record.getMessage()}")


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """A library's warning in our format: numba adds a traceback."""
    print_note(f"warning: {str(message).partition(chr(10))[0]}")


@contextmanager
def log_on_stderr() -> Iterator[None]:
    """Inside the block, warnings, also of libraries, are plain lines on stderr."""
    logger, handler = logging.getLogger("mnistlab"), _StderrHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    finally:
        logger.removeHandler(handler)
