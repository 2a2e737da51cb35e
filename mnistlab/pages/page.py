"""A page from a template: self-contained, with its figures embedded as SVG."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import mnistlab
from mnistlab.figures.gallery import Drawn, SavedFigures
from mnistlab.figures.sheet import words_of
from mnistlab.pages.inline_svg import inline_svg, on_dark
from mnistlab.store.written_files import write_own
from mnistlab.support.safe_text import as_unicode
from mnistlab.support.text_format import (
    counted,
    in_print,
    metric,
    number,
    percent,
    seconds,
    unbroken,
)


@dataclass(frozen=True)
class Picture:
    """A figure on a page: its words, and the rest as SVG markup."""

    name: str
    heading: str
    run: str
    words: str
    markup: str
    width: float  # CSS pixels at full size
    colours: frozenset[str]


def picture_of(drawn: Drawn, *, by_title: bool = False) -> Picture:
    """A figure as a page has it, under its own heading or under the title given for it."""
    words = words_of(drawn.figure, drawn.title)
    svg = inline_svg(drawn.figure, words, drawn.name)
    return Picture(
        name=drawn.name,
        heading=drawn.title if by_title else words.heading,
        run=words.run,
        words=f"{words.note} {drawn.how_to_read}".strip(),
        markup=svg.markup,
        width=svg.width,
        colours=svg.colours,
    )


def left_out(saved: SavedFigures) -> list[tuple[list[str], str]]:
    """The figures that were not drawn: their titles and the reason."""
    return [([one.title for one in of], why) for why, of in saved.missed.items()]


def write_page(
    path: Path, template: str, values: Mapping[str, Any], *, force: bool = False
) -> None:
    """Fill a template and write the page. Its `colours` are those that the figures do not have.

    Raises UsageError if the file exists and was not written by mnistlab, unless `force`; OSError.
    """
    found: Sequence[Picture] = values["pictures"]
    more: Sequence[str] = values.get("colours", ())
    colours = sorted(frozenset(more).union(*(picture.colours for picture in found)))
    palette = [(colour, on_dark(colour)) for colour in colours]
    page = rendered_template(template, {**values, "palette": palette})
    write_own(path, page.encode(), "html", force=force)


def rendered_template(template: str, values: Mapping[str, Any]) -> str:
    """A template, filled; every text is escaped."""
    return as_unicode(_environment().get_template(template).render(values))


def read_templates() -> None:
    """Compile all templates, so that the first page takes no longer than the others."""
    for name in _environment().list_templates(extensions=["html"]):
        _environment().get_template(name)


def text_address(text: str, kind: str) -> str:
    """A text as a data URL, for a link that saves it."""
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def measured(value: float | None, name: str, std: float | None = None) -> str:
    """A metric in words, by its name, with its standard deviation; a dash if it was
    not measured.
    """
    return "–" if value is None or math.isnan(value) else in_print(metric(name, value, std))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mnistlab.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["version"] = mnistlab.__version__
    environment.filters |= {
        "percent": percent,
        "number": number,
        "seconds": seconds,
        "counted": counted,
        "measured": measured,
        "in_print": in_print,
        "unbroken": unbroken,
    }
    return environment
