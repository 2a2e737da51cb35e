"""What a notebook shows of an object: a fragment of HTML, for light and dark themes.

Every text is escaped by the template. A module for each kind of object; each makes a `Fragment`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from matplotlib.figure import Figure

from mnistlab.figures.sheet import words_of
from mnistlab.pages.inline_svg import InlineSvg, inline_svg
from mnistlab.pages.page import rendered_template

IDS = "mnistlab-ids"  # the beginning of ids, until the digest is known
AREA = re.compile(r'(<rect [^>]*?) data-lines="([^"]*)"[^>]*/>')


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, the page it leads to, and the share of colour behind it in per
    cent.
    """

    text: str
    href: str = ""
    heat: int | None = None


@dataclass(frozen=True)
class Table:
    """A table; `words` are the columns of text, which are aligned to the left."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    words: frozenset[int] = frozenset({0})
    caption: str = ""
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture as a data URL, its description, and its width in CSS pixels."""

    address: str
    alt: str
    width: int


@dataclass(frozen=True)
class Fragment:
    """The content: `kind` is the word for the object, `told` and `warnings` are sentences, `links`
    are cells, `where` is its path or another name for it.
    """

    title: str
    kind: str
    told: Sequence[str] = ()
    warnings: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[InlineSvg] = ()
    links: Sequence[Cell] = ()
    where: str = field(default="")


def html_of(fragment: Fragment) -> str:
    """The fragment as HTML."""
    palette = sorted(frozenset().union(*(svg.colours for svg in fragment.figures)))
    return rendered_template("notebook.html", {**vars(fragment), "palette": palette})


def cells(*texts: str) -> list[Cell]:
    """Cells without links."""
    return [Cell(text) for text in texts]


def svg_of(figure: Figure, title: str) -> InlineSvg:
    """A figure as SVG whose areas tell their values without a script.

    A notebook that is not trusted removes all of it but these values, which are left as text. The
    ids are unique in a notebook: they contain a digest of what is drawn.
    """
    svg = inline_svg(figure, words_of(figure, title), IDS)
    digest = hashlib.sha256(svg.markup.encode()).hexdigest()[:8]
    markup = AREA.sub(_told_by_title, svg.markup).replace(IDS, f"m{digest}")
    return InlineSvg(markup, svg.width, svg.colours)


def _told_by_title(area: "re.Match[str]") -> str:
    return f"{area[1]}><title>{area[2].replace(chr(10), chr(10) + '· ')}</title></rect>\n"


def address_of(page: Path) -> str:
    """The address of a file for a link in a notebook.

    Relative to the working folder if it lies below it: a notebook server shows no other files to a
    browser.
    """
    page = page.absolute()
    here = Path.cwd()
    return quote(page.relative_to(here).as_posix()) if here in page.parents else page.as_uri()


def link_to(page: Path, text: str) -> list[Cell]:
    """A link to a page, if it is written."""
    return [Cell(text, address_of(page))] if page.is_file() else []
