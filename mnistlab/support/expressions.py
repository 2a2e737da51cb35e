"""The conditions of `--where`, such as `val_accuracy > 0.97 and optimizer.type == 'sgd'`.

A condition compares keys with numbers, texts, lists, `true`, `false` and `null` by `==`, `!=`, `<`,
`<=`, `>`, `>=`, `in` and `not in`; `and`, `or`, `not` and parentheses combine them. Python parses
it, and only these parts are accepted: nothing is ever called or executed.
"""

import ast
import keyword
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mnistlab.support.errors import UsageError
from mnistlab.support.near_names import nearest

Values = Mapping[str, Any]
Term = Callable[[Values], Any]

MAX_LENGTH = 1_000  # characters; a deeper one could exhaust Python's stack
SHOWN = 20  # characters of a condition from its fault on
WORDS = {"and", "or", "not", "in"}
CONSTANTS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
ALLOWED = WORDS | CONSTANTS.keys()
# A text, a number, a dotted key or a sign; the parts of a key may be numbers:
# model.layers.0.conv.filters. Anything else is refused before Python reads the condition: Python
# would point to where it can no longer continue, not to what is wrong.
TOKENS = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<number>(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"""
    r"""|(?P<key>[^\W\d]\w*(?:\.\w+)*)"""
    r"""|(?P<sign>[=!<>]=|[<>()\[\],-])"""
    r"""|(?P<blank>\s)"""
    r"""|(?P<other>.)"""
)
GRAMMAR = (
    "a condition compares keys with values, such as val_accuracy > 0.97 and optimizer.type == 'sgd'"
)
HINTS = {
    "=": "two values are compared by ==",
    "&": "conditions are combined by `and` and `or`",
    "|": "conditions are combined by `and` and `or`",
    "%": "accuracies are fractions: 90% is 0.9",
    "!": "a condition is negated by `not`",
    "'": "this text has no end",
    '"': "this text has no end",
}


@dataclass(frozen=True)
class Expression:
    """A condition; `keys` are the names in it, each with its first column, counted from 1."""

    text: str
    keys: Mapping[str, int]
    term: Term

    def matches(self, values: Values) -> bool:
        """Whether the condition holds. A key that is missing is null: it equals only null, and is
        neither smaller nor larger than anything.
        """
        return bool(self.term(values))

    @property
    def percent_hint(self) -> str:
        """A hint where an accuracy is compared with a number above 1; else an empty text."""
        numbers = re.findall(r"accuracy\s*[=!<>]=?\s*(\d+(?:\.\d*)?)", self.text)
        is_percent = any(float(number) > 1 for number in numbers)
        return f"; {HINTS['%']}" if is_percent else ""

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Raise UsageError that points at the first key that is not among the known ones."""
        for key, column in self.keys.items():
            if key not in known:
                raise _error(self.text, column, f"no run has a key {key!r}{_hint(key, known)}")


def parsed(text: str) -> Expression:
    """A condition from its text; raises UsageError that points at the column of the fault."""
    if len(text) > MAX_LENGTH:
        raise UsageError(f"where: has {len(text):,} characters, more than {MAX_LENGTH:,}")
    plain, keys = _with_plain_names(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python would warn of an unknown escape in a text
            tree = ast.parse(plain.strip(), mode="eval")
    except SyntaxError as error:
        margin = len(plain) - len(plain.lstrip())
        column = margin + error.offset if error.offset else len(text) + 1
        raise _error(text, min(column, len(text) + 1), GRAMMAR) from None
    except (ValueError, RecursionError, MemoryError):
        raise _error(text, 1, "cannot be read") from None
    return _Reader(text, plain, keys).expression(tree.body)


def _with_plain_names(text: str) -> tuple[str, dict[int, str]]:
    """The text with every key replaced by a name of the same length that Python accepts, and the
    keys by column, counted from 0. Raises UsageError at the first thing that no condition has.
    """
    keys: dict[int, str] = {}

    def plain(token: re.Match[str]) -> str:
        word = token[0]
        if token.lastgroup == "other" or (keyword.iskeyword(word) and word not in ALLOWED):
            what = HINTS.get(word, f"cannot be used here; {GRAMMAR}")
            raise _error(text, token.start() + 1, what)
        if token.lastgroup == "blank":
            return " "  # a line break would begin to count the columns anew
        if token.lastgroup != "key" or word in WORDS:
            return word
        keys[token.start()] = word
        return "_" * len(word)

    return TOKENS.sub(plain, text), keys


def _error(text: str, column: int, what: str) -> UsageError:
    """The error with its column, counted from 1, and what stands there."""
    at = f", at {text[column - 1 :][:SHOWN]!r}" if text[column - 1 :] else ", at the end"
    return UsageError(f"where, column {column}{at}: {what}")


def _hint(key: str, known: Collection[str]) -> str:
    near = nearest(key, known)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; a text is quoted: '{key}'" if "." not in key else ""


COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: _same(a, b),
    ast.NotEq: lambda a, b: not _same(a, b),
    ast.Lt: lambda a, b: _comparable(a, b) and a < b,
    ast.LtE: lambda a, b: _comparable(a, b) and a <= b,
    ast.Gt: lambda a, b: _comparable(a, b) and a > b,
    ast.GtE: lambda a, b: _comparable(a, b) and a >= b,
    ast.In: lambda a, b: _contains(b, a),
    ast.NotIn: lambda a, b: not _contains(b, a),
}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _comparable(a: Any, b: Any) -> bool:
    """Whether one of the values can be smaller: two numbers, or two texts."""
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    return any(isinstance(a, kind) and isinstance(b, kind) for kind in (int | float, str))


def _contains(whole: Any, part: Any) -> bool:
    """Whether a list has an item, or a text another text in it."""
    if isinstance(whole, list):
        return any(_same(item, part) for item in whole)
    return isinstance(whole, str) and isinstance(part, str) and part in whole


@dataclass
class _Reader:
    """Turns Python's syntax tree into a term; whatever is not listed here is refused."""

    text: str
    plain: str
    keys: Mapping[int, str]

    def expression(self, node: ast.expr) -> Expression:
        term = self._condition(node)
        found: dict[str, int] = {}
        for column, key in sorted(self.keys.items()):
            if key not in CONSTANTS:
                found.setdefault(key, column + 1)
        return Expression(self.text, found, term)

    def _condition(self, node: ast.expr) -> Term:
        if isinstance(node, ast.BoolOp):
            terms = [self._condition(value) for value in node.values]
            join = all if isinstance(node.op, ast.And) else any
            return lambda values: join(term(values) for term in terms)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._condition(node.operand)
            return lambda values: not inner(values)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Name):  # data.deskew
            return self._value(node)
        raise self._refused(node)

    def _comparison(self, node: ast.Compare) -> Term:
        terms = [self._value(value) for value in (node.left, *node.comparators)]
        if not all(type(sign) in COMPARISONS for sign in node.ops):
            raise self._refused(node)
        signs = [COMPARISONS[type(sign)] for sign in node.ops]

        def compared(values: Values) -> bool:
            found = [term(values) for term in terms]
            return all(map(lambda sign, a, b: sign(a, b), signs, found, found[1:]))

        return compared

    def _value(self, node: ast.expr) -> Term:
        if isinstance(node, ast.Name):
            key = self.keys[self._column(node)]
            if key in CONSTANTS:
                constant = CONSTANTS[key]
                return lambda values: constant
            return lambda values: values.get(key)
        value = self._literal(node)
        return lambda values: value

    def _literal(self, node: ast.expr) -> Any:
        """A number, a text, or a list of values."""
        if isinstance(node, ast.Constant) and type(node.value) in (int, float, str):
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = node.operand.value if isinstance(node.operand, ast.Constant) else None
            if isinstance(number, int | float) and not isinstance(number, bool):
                return -number
        if isinstance(node, ast.List | ast.Tuple):
            return [self._literal(item) for item in node.elts]
        if isinstance(node, ast.Name) and (key := self.keys[self._column(node)]) in CONSTANTS:
            return CONSTANTS[key]
        raise self._refused(node)

    def _column(self, node: ast.expr) -> int:
        """Where a node begins in the text; Python counts bytes of the text without its margin."""
        stripped = self.plain.lstrip()
        before = stripped.encode()[: node.col_offset].decode(errors="ignore")
        return len(self.plain) - len(stripped) + len(before)

    def _refused(self, node: ast.expr) -> UsageError:
        return _error(self.text, self._column(node) + 1, f"cannot be used here; {GRAMMAR}")
