"""Command lines of other programs, and incomplete ones, with the equivalent of mnistlab."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnistlab.cli.completion import KEY_VALUES
from mnistlab.support.near_names import nearest

# Explanations of options; used if the command has the first word as an option, or if that is no
# option.
_ADVICE = {
    ("-o", "--out", "--output", "--out-dir", "--output-dir", "--log-dir", "--save-dir"): (
        "--runs-dir DIR says where run folders are made"
    ),
    ("-j", "--jobs", "--n-jobs", "--num-workers"): (
        "--workers N says how many trials are trained at a time"
    ),
    ("--gpu", "--gpus", "--cuda", "--device"): (
        "mnistlab computes on the processor; --threads N says with how many threads"
    ),
    ("-c", "--config", "--config-file", "--cfg"): (
        "the file of the configuration is given without an option"
    ),
    ("--resume", "--resume-from"): "`mnistlab resume PATH` resumes a run or a sweep",
    ("-v", "--verbose"): "progress is shown wherever --quiet is not given",
}
# Short options of other programs, and the keys that they set.
_SHORT = {"-b": "batch_size", "-e": "epochs", "-l": "lr", "-s": "seed"}
TOO_MANY = re.compile(r"Got unexpected extra arguments? \((?P<words>.*)\)")
# Commands that may get several values for a key, as a sweep does.
TAKE_SEVERAL = ("resume", "sweep")


def explain(error: Any, arguments: Sequence[str]) -> None:
    """Add to the error for an unknown option, for too many arguments or missing pictures, how the
    command line is written for mnistlab.

    An error of another kind, or one without an explanation, keeps its message.
    """
    if getattr(getattr(error, "param", None), "name", None) == "images" and not error.message:
        error.message = _missing_pictures(error.ctx.params["run"])
        return
    if (extra := TOO_MANY.fullmatch(str(error.message).replace("(s)", "s"))) is not None:
        error.message = _too_many(error.ctx.command.name, extra["words"])
        return
    if not hasattr(error, "option_name") or not hasattr(error, "possibilities"):
        return
    flag, command = error.option_name, error.ctx.command
    advice = _advice(flag, {option for one in command.params for option in one.opts})
    takes_keys = any(str(one.metavar).startswith("KEY=") for one in command.params)
    if advice is None and takes_keys:
        given, key = _key_of_option(flag, arguments)
        if key is not None:
            value, hint = _value(given, arguments), ""
            if command.name not in TAKE_SEVERAL:
                value, hint = _of_a_run(key, value)
            advice = f"values of the configuration are set without dashes: {key}={value}"
            advice = f"{advice}; {hint}" if hint else advice
    if advice is not None:
        error.message, error.possibilities = f"{error.message}; {advice}", None


def _of_a_run(key: str, value: str) -> tuple[str, str]:
    from mnistlab.config.run import RunConfig
    from mnistlab.config.value_hints import run_value

    return run_value(key.split("."), value, RunConfig)


def _too_many(command: str, words: str) -> str:
    told = f"Too many arguments: {words}"
    if command == "visualize":
        return f"{told}; figures are named by an option: --only {words.replace(' ', ',')}"
    return told


def _key_of_option(flag: str, arguments: Sequence[str]) -> tuple[str, str | None]:
    """An option as it is on the command line, and the key that it probably sets.

    With one dash, `flag` is only the first letter of `-epochs`.
    """
    if flag.startswith("--"):
        return flag, _key(flag.removeprefix("--"))
    names = [one.partition("=")[0] for one in arguments]
    for name in names:
        if name.startswith(flag) and len(name) > len(flag) and (key := _key(name[1:])) is not None:
            return name, key
    return flag, _key(_SHORT[flag]) if flag in _SHORT else None


def _missing_pictures(first: Path) -> str:
    """What is missing if `predict` is given only a run, or only a picture."""
    if first.is_dir():
        return f"Pictures stand behind the run: mnistlab predict {first} PICTURE"
    return f"The run stands before the pictures: mnistlab predict RUN {first}"


def _advice(flag: str, options: set[str]) -> str | None:
    known = (text for flags, text in _ADVICE.items() if flag in flags)
    first = next(known, None)
    if first is None:
        return None
    word = first.split()[0]
    return first if word in options or not word.startswith("--") else None


def _key(name: str) -> str | None:
    """The dotted key for a name: `optimizer.lr`, or its last word only."""
    keys = json.loads(KEY_VALUES.read_text(encoding="utf-8"))["run"]
    if name in keys:
        return name
    last = [key.rpartition(".")[2] for key in keys]
    meant = nearest(name, dict.fromkeys(last), cutoff=0.8)
    return next((key for key in sorted(keys, key=_depth) if key.rpartition(".")[2] == meant), None)


def _depth(key: str) -> int:
    return key.count(".")


def _value(flag: str, arguments: Sequence[str]) -> str:
    """The value of an option on the command line: `--lr=0.1`, or the word after `--lr`."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == flag and equals:
            return value
        following = arguments[index + 1 : index + 2]
        if name == flag and following and not following[0].startswith("--"):
            return following[0]
    return "VALUE"
