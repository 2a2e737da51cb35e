"""DataFrames that a notebook shows as tables of runs."""

import importlib
from typing import Any, ClassVar

import pandas as pd


class ShownTable(pd.DataFrame):
    """A DataFrame that a notebook shows with short names, links to the runs' pages and learning
    curves. Whatever is derived from it is a plain DataFrame; it is also shown as one after its
    columns were changed in place.
    """

    _metadata: ClassVar[list[str]] = ["_shown_by", "_made_with"]

    def __init__(self, table: pd.DataFrame, shown_by: str) -> None:
        """`shown_by` is the name of a function of `pages.notebook.tables`."""
        super().__init__(table)  # type: ignore[call-arg]  # pandas-stubs know __new__ alone
        self._shown_by = shown_by
        self._made_with = self._labels()

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def _labels(self) -> list[Any]:
        return [self.index.name, *self.columns]

    def _repr_html_(self) -> str | None:
        if not pd.get_option("display.notebook_repr_html"):
            return None
        if self._labels() != self._made_with:
            return pd.DataFrame(self)._repr_html_()  # type: ignore[operator]
        tables = importlib.import_module("mnistlab.pages.notebook.tables")
        html: str = getattr(tables, self._shown_by)(self)
        return html
