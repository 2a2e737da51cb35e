"""What the view tells of one run or sweep, and the pages in its folder."""

from pathlib import Path, PurePosixPath
from typing import Any

from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.folder import PLOTS_NAME, Folder
from mnistlab.store.json_fields import as_json
from mnistlab.store.report_dir import ReportDir
from mnistlab.store.run_dir import RunDir
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import LackingError, MnistlabError
from mnistlab.support.run_weights import names_of_weights
from mnistlab.support.safe_files import inside, read_artefact
from mnistlab.view.library import Item

REPORT_NAME = "report.html"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".gif": "image/gif",
}
MAX_PAGE_BYTES = 1 << 27
MAX_CONFIG_BYTES = 1 << 20


def told_of(item: Item) -> dict[str, Any]:
    """The configuration of an entry, its layers, its weights, and whether it has a page."""
    entry = item.entry
    told: dict[str, Any] = {
        "path": str(item.path),
        "hasPage": Folder(item.path).report.is_file(),
        "config": _config_text(item),
        "weights": [],
        "layers": [],
    }
    if isinstance(entry, RunSummary):
        told["weights"] = names_of_weights(item.path)
        if not told["weights"] and RunDir(item.path).last.is_file():
            told["weights"] = ["final"]  # of a run in progress, those of its last checkpoint
        facts = entry.record.facts
        if facts is not None:
            data = facts.dataset
            told["data"] = {"name": data.name, "images": as_json(data.images)}
            told["parameters"] = facts.parameters
            told["layers"] = [[one.name, one.description] for one in facts.layers]
    return told


def _config_text(item: Item) -> str:
    files = {
        "run": RunDir(item.path).config,
        "sweep": SweepDir(item.path).config,
        "report": ReportDir(item.path).plan,
    }
    path = files.get(item.row["kind"])
    if path is None:
        return ""  # a damaged folder
    try:
        return read_artefact(path, MAX_CONFIG_BYTES).decode(errors="replace")
    except MnistlabError as error:
        return str(error)


def page_in(entry: Path, name: str) -> tuple[bytes, str]:
    """The content and the media type of a page or a figure in the folder of an entry, or in one of
    its trials. Raises LackingError if there is none, UsageError if a link leads outside.
    """
    parts = PurePosixPath(name).parts
    *folders, last = parts or ("",)
    kind = KINDS.get(Path(last).suffix)
    is_figure = kind is not None and folders[-1:] == [PLOTS_NAME]
    is_plain = all(_is_plain(part) for part in parts)
    if kind is None or not is_plain or not (last == REPORT_NAME or is_figure):
        raise LackingError(f"{name or entry.name}: is no page of a run")
    path = inside(entry.joinpath(*parts), entry)
    if not path.is_file():
        raise LackingError(f"{path}: there is no such page; `mnistlab visualize` makes it")
    return read_artefact(path, MAX_PAGE_BYTES), kind


def _is_plain(part: str) -> bool:
    """Whether a part of an address is the visible name of one file or folder."""
    return not part.startswith(".") and Path(part).name == part and "\0" not in part
