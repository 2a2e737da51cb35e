"""Text from outside (names of files and classes, values of a configuration) made safe to show."""

import re

# Control characters, which a terminal obeys; line breaks of Unicode; marks that turn the direction
# of what follows; bytes of a file's name that are control characters but no UTF-8.
UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udc9f]"
)
# What Markdown would take for HTML, a link, a picture, emphasis, code or a cell's end.
MARKDOWN = re.compile(r"[\\`*\[\]|]|(?<!\w)_|_(?!\w)")
# At the beginning of a paragraph: a heading, an item of a list, a rule, code.
MARKDOWN_START = re.compile(r"\A(?=#+(\s|$)|[+-](\s|$)|--|==|~~~)|\A\d+(?=[.)](\s|$))")


def one_line(text: str) -> str:
    """The text on one line, with `\\n`, `\\x1b` … in place of what a terminal would obey."""
    return UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def as_markdown(text: str) -> str:
    """The text as a paragraph, or a table's cell, of Markdown that shows it as it is."""
    text = one_line(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = MARKDOWN.sub(lambda found: "\\" + found.group(), text)
    return MARKDOWN_START.sub(lambda found: f"{found.group()}\\", text)


def code_as_markdown(text: str) -> str:
    """The text as code within a line of Markdown, which holds anything but a backtick."""
    inside = one_line(text).replace("`", "'")
    return f"`{inside}`"
