"""Aligned tables that fit the terminal.

A table that is too wide gets headings on several lines. If that is not enough, its least important
columns are left out and named; at last its cells are shortened.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from mnistlab.support.safe_text import one_line
from mnistlab.support.text_format import without_middle
from mnistlab.terminal.width import columns_of, wrapped

GAP = "  "

Rows = Sequence[Sequence[str]]


def table(
    rows: Rows,
    right: Iterable[int] = (),
    width: int | None = None,
    first: Sequence[int] = (),
    elsewhere: str = "",
    least: Mapping[int, int] = MappingProxyType({}),
    kept: int = 1,
    paint: Callable[[int, str], str] = lambda column, cell: cell,
) -> str:
    """Rows as lines of aligned columns; the columns with an index in `right` are right-aligned.

    The first row is the heading. `width` is the largest length of a line. `first` has the indices
    of the most important columns, in this order; the others follow in their order. A last line
    names the columns that do not fit; `elsewhere` says where they are. The first `kept` of the most
    important columns are never left out: the first column of the table is shortened for them.
    `least` is the width to which a column may be shortened. `paint` colours a cell of a column.
    """
    safe = [[one_line(cell) for cell in row] for row in rows]
    heading = headings(safe[0], list(map(widest, _columns(safe[1:], len(safe[0])))), width)
    to_right = set(right)
    order = list(dict.fromkeys([*first, *range(len(heading))]))
    natural = _widths(heading, safe[1:])
    needed = [min(taken, least.get(column, taken)) for column, taken in enumerate(natural)]
    shown = columns_with_room(needed, order, width, kept)
    left_out = [safe[0][column] for column in order if column not in shown]
    heading = [heading[column] for column in shown]
    body = [[row[column] for column in shown] for row in safe[1:]]
    widths = _narrowed([natural[c] for c in shown], [needed[c] for c in shown], width)
    rows = [
        _padded(row, widths, [column in to_right for column in shown])
        for row in [*heading_rows(heading), *body]
    ]
    lines = [GAP.join(map(paint, shown, row)).rstrip() for row in rows]
    if left_out:
        lines += wrapped(no_room(left_out, elsewhere), width)
    return "\n".join(lines)


def natural_width(rows: Rows) -> int:
    """The width of a table without a limit."""
    return table_columns([widest(map(one_line, column)) for column in zip(*rows, strict=True)])


def no_room(names: Sequence[str], elsewhere: str = "") -> str:
    """The sentence that names the columns that do not fit the terminal."""
    where = f"; {elsewhere}" if elsewhere else ""
    return f"(no room for {', '.join(names)}{where})"


def headings(names: Sequence[str], body: Sequence[int], width: int | None) -> list[list[str]]:
    """The lines of each heading, above cells that are `body` wide: as few as the width allows."""
    lines = [[name] for name in names]
    forms = [broken(name, least) for name, least in zip(names, body, strict=True)]
    gains = [
        max(columns_of(name), least) - max(widest(form), least)
        for name, form, least in zip(names, forms, body, strict=True)
    ]
    for column in sorted(range(len(names)), key=lambda column: -gains[column]):
        taken = [max(widest(one), least) for one, least in zip(lines, body, strict=True)]
        if width is None or table_columns(taken) <= width:
            break
        lines[column] = forms[column]
    return lines


def broken(heading: str, width: int) -> list[str]:
    """A heading on as few lines of at most `width` columns as its words allow: a dotted key breaks
    after its dots.
    """
    lines: list[str] = []
    words = re.findall(r"[^\s._]+[._]*\s*|[._]+\s*", heading)
    widest_word = max([width, *(columns_of(word.rstrip()) for word in words)])
    for word in words:
        if lines and columns_of(lines[-1] + word.rstrip()) <= widest_word:
            lines[-1] += word
        else:
            lines.append(word)
    return [line.rstrip() for line in lines] or [heading]


def columns_with_room(
    widths: Sequence[int], order: Sequence[int], width: int | None, kept: int = 1
) -> list[int]:
    """The columns that fit, in the order of the table: chosen by importance, the first `kept` in
    any case.
    """
    shown: list[int] = []
    for column in order:
        if (
            len(shown) < kept
            or width is None
            or table_columns([widths[c] for c in (*shown, column)]) <= width
        ):
            shown.append(column)
    return sorted(shown)


def widest(cells: Iterable[str]) -> int:
    """The width of the widest text."""
    return max(map(columns_of, cells), default=0)


def _columns(rows: Sequence[Sequence[str]], count: int) -> list[list[str]]:
    return [[row[column] for row in rows] for column in range(count)]


def _widths(heading: Sequence[Sequence[str]], body: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(widest(lines), widest(row[column] for row in body))
        for column, lines in enumerate(heading)
    ]


def table_columns(widths: Sequence[int]) -> int:
    """The columns of a line with cells of these widths."""
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _narrowed(widths: list[int], needed: Sequence[int], width: int | None) -> list[int]:
    """The widths of columns, reduced until all fit: first those that are wider than needed."""
    for column in sorted(range(len(widths)), key=lambda column: needed[column] - widths[column]):
        excess = 0 if width is None else max(0, table_columns(widths) - width)
        widths[column] = max(needed[column], widths[column] - excess)
    if width is not None and table_columns(widths) > width:  # even the first column is too wide
        widths[0] = max(1, widths[0] - (table_columns(widths) - width))
    return widths


def heading_rows(heading: Sequence[Sequence[str]]) -> list[list[str]]:
    """The lines of headings as rows; short headings are at the bottom."""
    height = max(map(len, heading))
    return [
        [lines[index - height] if index >= height - len(lines) else "" for lines in heading]
        for index in range(height)
    ]


def _padded(row: Sequence[str], widths: Sequence[int], at_right: Sequence[bool]) -> list[str]:
    cells = []
    for cell, width, is_right in zip(row, widths, at_right, strict=True):
        text = shortened(cell, width)
        blanks = " " * (width - columns_of(text))
        cells.append(blanks + text if is_right else text + blanks)
    return cells


def shortened(text: str, width: int) -> str:
    """A text in at most `width` columns, without its middle."""
    return without_middle(text, width, columns_of)
