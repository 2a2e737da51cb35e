"""The markup of matplotlib's SVG, made smaller without a change that can be seen.

Coordinates are rounded to a hundredth of a point; the style of many points is stated once; ids are
short, or dropped if nothing refers to them; pictures have a palette.
"""

import base64
import io
import re
from collections.abc import Iterator

import numpy as np
from PIL import Image

# Glyphs have whole coordinates and a scale of their own, which is not rounded.
COORDINATES = re.compile(r' (?:d|x|y|width|height|points)="[^"]*"|translate\([^)]*\)')
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
# Points in a row with one style.
SAME_STYLE = re.compile(r'(?:<use [^>]*(?P<style> style="[^"]*")/>\n)(?:<use [^>]*(?P=style)/>\n)+')
PICTURE = re.compile(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")
REFERENCE = re.compile(r'href="#([^"]+)"|url\(#([^)]+)\)')


def lean(markup: str, name: str) -> str:
    """The markup, smaller; its ids begin with `name`."""
    markup = re.sub(r"<!--.*?-->\s*", "", markup, flags=re.DOTALL)
    markup = PICTURE.sub(lambda found: _picture(found[1]), markup)
    markup = COORDINATES.sub(lambda found: LONG_NUMBER.sub(_rounded, found[0]), markup)
    markup = re.sub(r' d="[^"]*"', _short_path, markup).replace("xlink:href", "href")
    markup = SAME_STYLE.sub(_same_style, markup)
    return _short_ids(markup, name)


def _rounded(found: "re.Match[str]") -> str:
    return f"{round(float(found[0]), 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def _short_path(found: "re.Match[str]") -> str:
    """A path without the blanks that its letters make needless."""
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", re.sub(r"\s+", " ", found[0][4:-1])).join(
        (' d="', '"')
    )


def _same_style(found: "re.Match[str]") -> str:
    """Points that share a style, in a group that has it."""
    style = found["style"]
    return f"<g{style}>\n{found[0].replace(style, '')}</g>\n"


def _short_ids(markup: str, name: str) -> str:
    """The markup with short ids, and without those that nothing refers to."""
    used = dict.fromkeys(a or b for a, b in REFERENCE.findall(markup))
    short = {id: f"{name}-{number:x}" for number, id in enumerate(used)}

    def kept(found: "re.Match[str]") -> str:
        return f' id="{short[found[1]]}"' if found[1] in short else ""

    def renamed(found: "re.Match[str]") -> str:
        id = found[1] or found[2]
        return found[0].replace(id, short[id])

    return REFERENCE.sub(renamed, re.sub(r' id="([^"]*)"', kept, markup))


def _picture(encoded: str) -> str:
    """A PNG of the same pixels, grey or with a palette where that is smaller."""
    content = base64.b64decode(encoded)
    with Image.open(io.BytesIO(content)) as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    content = min([content, *_smaller(pixels)], key=len)
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _smaller(pixels: "np.ndarray") -> Iterator[bytes]:
    """PNGs of pixels, uint8 (height, width, 4), in the modes that their colours allow."""
    known, places = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(known) <= 256:
        picture = Image.fromarray(places.reshape(pixels.shape[:2]).astype(np.uint8))
        picture.putpalette(known[:, :3].tobytes())
        yield _png(picture, transparency=known[:, 3].tobytes())
    if (known[:, :3] == known[:, :1]).all() and (known[:, 3] == 255).all():
        yield _png(Image.fromarray(np.ascontiguousarray(pixels[..., 0])))


def _png(picture: Image.Image, **options: bytes) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True, **options)
    return written.getvalue()
