"""The value of an unquoted word in YAML 1.2's core schema, so that `1e-3` is a number.

PyYAML reads YAML 1.1: `1e-3` is a string, `no` a boolean, `1:30` ninety.
"""

import re

from mnistlab.config.source_nodes import Scalar

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

# Python refuses integers of more than 4300 digits; no setting needs a tenth of that.
MAX_DIGITS = 400


def read_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar.

    Raises ValueError for a number with too many digits.
    """
    if text in _WORDS:
        return _WORDS[text]
    number = text[:1] in "+-.0123456789"
    if number and len(text) > MAX_DIGITS and _FLOAT.fullmatch(text):
        raise ValueError("a number of too many digits")
    if not number:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text
