"""What an export format declares. Imports nothing heavy: `--help` and completion read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mnistlab.experiment.model import Model

Pixels = Literal["uint8", "float32"]


@dataclass(frozen=True)
class Agreement:
    """How another program's answers compare with those of the run's own network.

    `program` gave them on so many `images`; `what` says which. `largest_difference` is that of
    outputs.
    """

    program: str
    images: int
    what: str
    largest_difference: float


@dataclass(frozen=True, kw_only=True)
class Format:
    """What `export --format` can name. Each is a file, or a folder, of `export/formats/`.

    `description` is a paragraph of `export --help`. `ending` is that of the file's name, without
    the dot. `needs` are the modules that the format imports and mnistlab does not require;
    `install` is what pip installs to get them.

    `write` returns the file's content, for raw pixels of the type that is given. The content holds
    `store.written_files.BLANK_MARK` where a reader passes over it, as a comment or in metadata.
    `check` compares the content with the run's own network before it is written; it raises
    MnistlabError where they differ. `snippet` returns Python that loads the file.
    `facts` are what `--json` says of every file of this format, such as the version.
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
