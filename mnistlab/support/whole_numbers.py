"""Whole numbers that others have written."""


def whole_number(text: str, at_most: int) -> int | None:
    """The number that a text of the digits 0 to 9 spells; None of any other text, and of a number
    above `at_most`.

    int() alone takes blanks, signs and the digits of all scripts, and ends in an error that is
    meant for programmers where there are more than 4300 of them.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    if len(digits) > len(str(at_most)):
        return None
    number = int(digits or "0")
    return number if number <= at_most else None
