"""A page made of a template: self-contained, its figures inside it."""

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import mnistlab
from mnistlab.figures.gallery import Drawn, SavedFigures
from mnistlab.figures.style import rendered
from mnistlab.store.written_files import write_own
from mnistlab.support.safe_files import read_artefact
from mnistlab.support.text_format import counted, in_print, metric, number, percent, seconds

# Figures are drawn in few colours: with this many of their own they look as they did, in a third
# of the bytes. A page is to stay below 4 MB with twenty of them.
COLOURS = 192


@dataclass(frozen=True)
class Picture:
    """A figure on a page; `source` is the PNG itself, as a data address, in pixels at that size."""

    name: str
    title: str
    how_to_read: str
    source: str
    width: int
    height: int


def pictures(saved: SavedFigures) -> list[Picture]:
    """The figures that were drawn, those saved as PNG read again, the others drawn as PNG."""
    found = []
    for drawn in saved.drawn:
        file = saved.figures[drawn.name]
        content = read_artefact(file) if file.suffix == ".png" else rendered(drawn.figure)
        found.append(_picture(drawn, content))
    return found


def _picture(drawn: Drawn, png: bytes) -> Picture:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(
            COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        width, height = image.size
    smaller = io.BytesIO()
    few.save(smaller, "PNG")
    best = min(smaller.getvalue(), png, key=len)
    source = f"data:image/png;base64,{base64.b64encode(best).decode()}"
    return Picture(drawn.name, drawn.title, drawn.how_to_read, source, width, height)


def left_out(saved: SavedFigures) -> list[tuple[list[str], str]]:
    """What was not drawn: titles and their reason."""
    return [([one.title for one in of], why) for why, of in saved.missed.items()]


def write_page(
    path: Path, template: str, values: Mapping[str, Any], *, force: bool = False
) -> None:
    """Fill a template and write the page.

    Raises UsageError where mnistlab did not write what is there, unless `force`; OSError.
    """
    page = _environment().get_template(template).render(values)
    write_own(path, page.encode(), "html", force=force)


def read_templates() -> None:
    """Compile all templates, so that the first page takes no longer than others."""
    for name in _environment().list_templates(extensions=["html"]):
        _environment().get_template(name)


def text_address(text: str, kind: str) -> str:
    """A text as a data address, for a link by which it can be saved."""
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def measured(value: float | None, name: str, std: float | None = None) -> str:
    """A metric in words, by its name, with its spread; a dash where it was not measured."""
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
    }
    return environment
