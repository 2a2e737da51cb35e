"""Parses integers from external text."""


def whole_number(text: str, at_most: int) -> int | None:
    """The integer that a text of the digits 0 to 9 represents; None for any other text, and for a
    number above `at_most`.

    int() also accepts blanks, signs and digits of all scripts, and its error for more than 4300
    digits is meant for programmers.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    if len(digits) > len(str(at_most)):
        return None
    number = int(digits or "0")
    return number if number <= at_most else None
