"""Numbers and hints as text, the same on a terminal and on a page."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from mnistlab.support.metric_names import PARAMETERS, SECONDS, is_accuracy
from mnistlab.support.stated import Stated

NO_BREAK = "\u00a0"
_UNITS = "s|ms|min|h|bytes|B|kB|MB|GB|TB|%"
_BREAKS = re.compile(rf"(?<=\d) (?=(?:{_UNITS})(?:\W|$))|(?<=\d) (?=± )|(?<=±) (?=\d)")

_PER_CENT = re.compile(r"(?<=\d)%")


def human_bytes(count: int) -> str:
    """A size in a readable unit: `9.9 MB`."""
    size, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{count} bytes" if units[0] == "bytes" else f"{size:.3g} {units[0]}"


def number(value: float, like: float | None = None) -> str:
    """A loss or an error in few digits that still distinguish two of them; with the decimals that
    `like` has, if that is larger.
    """
    size = max(abs(value), abs(like or 0.0))
    if size == 0 or 1e-3 <= size < 1e5 or not math.isfinite(value):
        return f"{value:.4f}"
    return f"{value:.2e}"


def seconds(value: float, like: float | None = None) -> str:
    """A time in seconds: two digits below one second, because one could be 0.0."""
    return f"{value:.2f} s" if max(value, like or 0.0) < 0.995 else f"{value:.1f} s"


def count(value: float, like: float | None = None) -> str:
    """A number of things, whole also if it is a mean: `101,770`."""
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """A share of 1 as a percentage, with two digits."""
    return f"{share:.2%}"


def probability(value: float) -> str:
    """The probability of a class with one digit. It is never rounded to certainty or to
    impossibility: from 99.95% it is `> 99.9%`, below 0.05% `< 0.1%`.
    """
    if value >= 0.9995:
        return "> 99.9%"
    return "< 0.1%" if value < 0.0005 else f"{value:.1%}"


def metric(name: str, value: float, std: float | None = None, *, like: float | None = None) -> str:
    """A metric by its name, with its standard deviation over seeds if there is one: `98.21%`,
    `98.21 ± 0.10%`, `0.0612 ± 0.0010`; training time in seconds, a number of parameters
    whole. A value and its deviation have the same decimals; `like` is another value that shares
    them.
    """
    if is_accuracy(name):
        return percent(value) if std is None else f"{100 * value:.2f} ± {percent(std)}"
    written = {SECONDS: seconds, PARAMETERS: count}.get(name, number)
    mean = written(value, std if like is None else like)
    return mean if std is None else f"{mean.removesuffix(' s')} ± {written(std, value)}"


def interval(name: str, low: float, high: float, written: Callable[..., str] = metric) -> str:
    """The ends of an interval of a metric, with the same decimals, the unit once:
    `97.10 to 97.62%`. `written` is `metric` or `difference`.
    """
    first, last = written(name, low, like=high), written(name, high, like=low)
    for unit in ("%", " s"):
        if first.endswith(unit) and last.endswith(unit):
            first = first.removesuffix(unit)
    return f"{first} to {last}"


def difference(name: str, value: float, *, like: float | None = None) -> str:
    """A difference of a metric with its sign; of accuracies in percentage points: `+0.31`."""
    text = f"{100 * value:.2f}" if is_accuracy(name) else number(value, like)
    return text if text.startswith("-") else f"+{text}"


def p_value(value: float) -> str:
    """A p-value with two digits."""
    return "<0.001" if value < 0.001 else f"{value:.2g}"


def plain_yaml(value: Any) -> str:
    """A value of a configuration as YAML on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(plain_yaml, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def exact(value: float, factor: int = 1) -> str:
    """All digits of a decimal number times a factor, a power of ten; for a stated number, the
    digits that it was written with.
    """
    if value != 0 and not 1e-9 <= abs(value) < 1e15:
        return repr(value * factor)
    if isinstance(value, Stated) and value.text is not None:
        return f"{Decimal(value.text).scaleb(len(str(factor)) - 1):f}"
    # In binary, 0.91041 * 100 would be 91.04100000000001.
    text = f"{Decimal(repr(float(value))) * factor:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_stated(name: str, value: float) -> str:
    """A metric that a report states, not rounded; an accuracy in per cent."""
    return f"{exact(value, 100)}%" if is_accuracy(name) else exact(value)


def duration_as_stated(value: float) -> str:
    """Seconds that a report states, in the largest unit in which they are an integer."""
    for unit, name in ((3600, "h"), (60, "min")):
        if value >= 2 * unit and value % unit == 0:
            return f"{exact(value // unit)} {name}"
    return f"{exact(value)} s"


def unbroken(text: str) -> str:
    """A text in which no line ends between a number and its unit, or beside a `±`."""
    return _BREAKS.sub(NO_BREAK, text)


def in_print(text: str) -> str:
    """A number as figures and pages write it: `98.21 %`; a terminal has no room for the space."""
    return _PER_CENT.sub(" %", text)


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """The last part of each dotted key; the whole key where another one ends in the same part."""
    last = {key: key.rpartition(".")[2] for key in keys}
    times = Counter(last.values())
    return {key: part if times[part] == 1 else key for key, part in last.items()}


def without_middle(text: str, most: int, size: Callable[[str], int] = len) -> str:
    """A text of at most that size, without its middle: both ends identify it."""
    if size(text) <= most:
        return text
    while size(text) > most - 1:
        middle = len(text) // 2
        text = text[:middle] + text[middle + 1 :]
    middle = -(-len(text) // 2)
    return f"{text[:middle]}…{text[middle:]}"


def counted(number: int, noun: str) -> str:
    """A count with its noun: `1 epoch`, `1,200 epochs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def training_length(epochs: int, steps: int) -> str:
    """How long a run has trained: `3 epochs (300 steps)`. An incomplete epoch does not count."""
    return f"{counted(epochs, 'epoch')} ({counted(steps, 'step')})"
