"""Pieces of the pages that are made: words for values, cells of tables, templates."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]

NEEDED = "**needed**"
MAX_COUNT = 2**31 - 1  # a bound of every count, not worth a word


def filled(template: str, **parts: str) -> str:
    """The template of that name, {{part}} replaced by each part."""
    text = Path(__file__).parent.joinpath("templates", template).read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part.strip("\n"))
    return text


def between(page: str, name: str, text: str) -> str:
    """The page with `text` between its marks <!-- name --> and <!-- /name -->."""
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, rest = page.split(first)
    _, after = rest.split(last)
    return f"{before}{first}\n\n{text}\n\n{last}{after}"


def number(schema: Schema) -> str:
    name = "whole number" if schema["type"] == "integer" else "number"
    signs = (
        ("minimum", "≥"),
        ("exclusiveMinimum", ">"),
        ("maximum", "≤"),
        ("exclusiveMaximum", "<"),
    )
    bounds = [
        f"{sign} {bound(schema[key])}"
        for key, sign in signs
        if key in schema and schema[key] != MAX_COUNT
    ]
    return f"{name} {' and '.join(bounds)}".strip()


def bound(value: float) -> str:
    return "2^63" if value == 2**63 else f"{value:,.12g}"


def plain(schema: Schema) -> str:
    return "[…]" if schema.get("type") == "array" else "…"


def code(value: Any) -> str:
    if isinstance(value, str):
        return f"`{value}`"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def paragraphs(schema: Schema) -> Iterator[str]:
    for paragraph in schema.get("description", "").split("\n\n"):
        if paragraph:
            yield " ".join(paragraph.split())
            yield ""


def first(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def cell(text: str) -> str:
    """Text that neither ends a table's cell nor is taken for emphasis; code is as it is."""
    if text == NEEDED:
        return text
    parts = text.replace("|", "\\|").split("`")
    parts[::2] = [part.replace("*", "\\*") for part in parts[::2]]
    return "`".join(parts)


def anchor(heading: str) -> str:
    """GitHub's anchor of a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")
