"""Makes text from outside (names of files and classes, configuration values) safe to show."""

import re

# Control characters, which terminals execute; Unicode line breaks; marks that change the direction
# of text; surrogates of bytes that are not UTF-8.
UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udc9f]"
)
# What Markdown would interpret as HTML, a link, an image, emphasis, code or the end of a cell.
MARKDOWN = re.compile(r"[\\`*\[\]|]|(?<!\w)_|_(?!\w)")
# At the beginning of a paragraph: a heading, a list item, a rule, code.
MARKDOWN_START = re.compile(r"\A(?=#+(\s|$)|[+-](\s|$)|--|==|~~~)|\A\d+(?=[.)](\s|$))")


def one_line(text: str) -> str:
    """The text on one line, with `\\n`, `\\x1b` … for characters that a terminal would execute."""
    return UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def as_unicode(text: str) -> str:
    """The text with `\\udcff` for a byte of a file's name that is not UTF-8, which no font and no
    file of text can hold.
    """
    return text.encode(errors="backslashreplace").decode()


def as_markdown(text: str) -> str:
    """The text as a paragraph, or a table's cell, of Markdown that shows it unchanged."""
    text = one_line(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = MARKDOWN.sub(lambda found: "\\" + found.group(), text)
    return MARKDOWN_START.sub(lambda found: f"{found.group()}\\", text)


def code_as_markdown(text: str) -> str:
    """The text as inline code of Markdown, which may contain anything but a backtick."""
    inside = one_line(text).replace("`", "'")
    return f"`{inside}`"
