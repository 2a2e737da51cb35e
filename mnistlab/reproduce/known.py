"""The reports and papers that are part of mnistlab, and the names that stand for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistlab.reproduce.manifest import LoadedReport, load_folder
from mnistlab.store.report_dir import MANIFEST_NAME
from mnistlab.support.errors import UsageError
from mnistlab.support.near_names import nearest

# configs/reports and configs/papers are links to these folders.
FOLDER = Path(__file__).parent / "published"
REPORT = "report"
KINDS = {"reports": REPORT, "papers": "paper"}  # the name of all of a kind, and that of one
ALL = "all"


@dataclass(frozen=True)
class Known:
    """A report or paper that is part of mnistlab."""

    group: str  # reports, papers
    name: str
    folder: Path

    def load(self) -> LoadedReport:
        """Its content. Raises ConfigError with all its errors."""
        return load_folder(self.folder, KINDS[self.group])


def known(group: str = ALL) -> list[Known]:
    """All of a group, in alphabetical order; the reports come first."""
    groups = KINDS if group == ALL else (group,)
    return [
        Known(one, path.parent.name, path.parent)
        for one in groups
        for path in sorted((FOLDER / one).glob(f"*/{MANIFEST_NAME}"))
    ]


def load_report(name: str) -> LoadedReport:
    """The report or paper with this name, `papers/nielsen` or `nielsen`; or of a user's own folder
    with a report.yaml.

    Raises UsageError if there is none, ConfigError with all its errors.
    """
    found = [one for one in known() if name in (one.name, f"{one.group}/{one.name}")]
    if len(found) > 1:
        names = " or ".join(f"{one.group}/{one.name}" for one in found)
        raise UsageError(f"{name}: more than one has this name; write {names}")
    if found:
        return found[0].load()
    if not (Path(name) / MANIFEST_NAME).is_file():
        near = nearest(name, [one.name for one in known()])
        hint = f"did you mean {near}? " if near else ""
        raise UsageError(
            f"{name}: no such report or paper; {hint}there are {', '.join(_groups()) or 'none'}; "
            f"or name the folder of a {MANIFEST_NAME}"
        )
    return load_folder(Path(name), REPORT)


def load_all(group: str) -> list[LoadedReport]:
    """All of a group. Raises UsageError if there is none, ConfigError."""
    found = known(group)
    if not found:
        raise UsageError(f"{group}: this installation of mnistlab has none, in {FOLDER}")
    return [one.load() for one in found]


def is_group(name: str) -> bool:
    """Whether a name stands for several."""
    return name == ALL or name in KINDS


def _groups() -> Sequence[str]:
    """Every name, by group."""
    named = {group: [one.name for one in known(group)] for group in KINDS}
    return [f"{group} ({', '.join(names)})" for group, names in named.items() if names]
