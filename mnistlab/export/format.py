"""The declaration of an export format. Imports nothing heavy: `--help` and completion read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mnistlab.experiment.model import Model

Pixels = Literal["uint8", "float32"]


@dataclass(frozen=True)
class Agreement:
    """How another program's outputs compare with those of the run's own network.

    `program` computed them for `images` images; `what` names these. `largest_difference` is that of
    the outputs.
    """

    program: str
    images: int
    what: str
    largest_difference: float


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of `export --format`. Each is a file, or a folder, of `export/formats/`.

    `description` is a paragraph of `export --help`. `ending` is the suffix of the file's name,
    without the dot. `needs` are modules that the format imports and mnistlab does not require;
    `install` is what pip installs to get them.

    `write` returns the file's content, for raw pixels of the given type. The content has
    `store.written_files.BLANK_MARK` in a comment or in metadata, which readers ignore. `check`
    compares the content with the run's own network before it is written, and raises MnistlabError
    if they differ. `snippet` returns Python code that loads the file. `facts` are what `--json`
    reports about every file of this format, such as its version.
    """

    name: str
    description: str
    ending: str
    write: "Callable[[Model, Pixels], bytes]"
    check: "Callable[[bytes, Model, Pixels], Agreement] | None" = None
    snippet: "Callable[[Model, Path], str] | None" = None
    facts: Mapping[str, str | int] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    install: str = "mnistlab[export]"
