"""`KEY=VALUE` that blanks have split into several words of the command line."""

from collections.abc import Sequence

from mnistlab.blocks.section import Section
from mnistlab.config.key_types import has_key
from mnistlab.config.source_nodes import Position, Problem
from mnistlab.config.value_hints import key_elsewhere, run_value


def joined_words(
    arguments: Sequence[str], tops: Sequence[type[Section]]
) -> tuple[list[str], list[Problem]]:
    """The whole arguments, and a problem for each that is in several words: `optimizer.lr 0.1`,
    `optimizer.lr = 0.1`, `model.hidden=[64, 32]`. `tops` have the keys that may be set: a run's
    alone, or a sweep's, too.
    """
    whole: list[str] = []
    problems = []
    words = list(arguments)
    while words:
        first = words.pop(0)
        key = _key(first, tops)
        joined, told = first, first
        while key and words and _continues(joined, words[0], tops):
            word = words.pop(0)
            told = f"{told} {word}"
            joined = _appended(joined, word)
        if told == first:
            whole.append(first)
            continue
        assert key is not None
        value, hint = joined.partition("=")[2], ""
        if len(tops) == 1:
            value, hint = run_value(key.split("."), value, tops[0])
        message = f"must be KEY=VALUE without blanks; did you mean {key}={value}? {hint}".rstrip()
        problems.append(Problem(Position(f"command line: {told}"), (), message))
    return whole, problems


def _key(word: str, tops: Sequence[type[Section]]) -> str | None:
    """The known key that a word names, or begins with; None if there is none."""
    name = word.partition("=")[0].rstrip(":").strip()
    if _is_key(name, tops):
        return name
    near = (key_elsewhere(name, top) for top in tops) if "." not in name else ()
    return next((key for key in near if key is not None), None)


def _is_key(name: str, tops: Sequence[type[Section]]) -> bool:
    return any(has_key(top, name.split(".")) for top in tops)


def _continues(joined: str, word: str, tops: Sequence[type[Section]]) -> bool:
    """Whether the word belongs to the VALUE of the words before it."""
    before, equals, _ = word.partition("=")
    if (equals and before) or _is_key(word, tops):
        return False
    _, equals, value = joined.partition("=")
    is_open = any(value.count(left) > value.count(right) for left, right in ("[]", "{}"))
    return not value or is_open or value.endswith(",") or word.startswith(",")


def _appended(joined: str, word: str) -> str:
    if "=" in joined:
        return joined + word
    return f"{joined.rstrip(':')}={word.removeprefix('=')}"
