"""The example configurations that come with mnistlab, for a user to copy."""

import re
from dataclasses import dataclass
from pathlib import Path

from mnistlab.config.schema import run_json_schema, sweep_json_schema
from mnistlab.config.starter import SCHEMA_NAME, schema_line, schema_text
from mnistlab.support.errors import UsageError
from mnistlab.support.example_files import CONFIGS, example_paths
from mnistlab.support.near_names import did_you_mean

RUN, SWEEP = "run", "sweep"
SWEEP_SCHEMA_NAME = "mnistlab.sweep.schema.json"
SWEEP_KEY = re.compile(r"^(parameters|stages|grids):", re.MULTILINE)
BASE = re.compile(r"^base: *([^\s#]+)", re.MULTILINE)
COMMENT = re.compile(r"(?:^# .*\n)+")
SENTENCE_END = re.compile(r"(?<=\?)\s|[.:](?:\s|$)")


@dataclass(frozen=True)
class Example:
    """A configuration that comes with mnistlab; `best/mlp` is the name of configs/best/mlp.yaml."""

    name: str
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def kind(self) -> str:
        """`run` or `sweep`: the command that takes it is `train` or `sweep`."""
        return SWEEP if SWEEP_KEY.search(self.text) else RUN

    @property
    def about(self) -> str:
        """What it trains: the beginning of its first comment."""
        comment = COMMENT.match(self.text)
        words = comment[0].replace("\n", "").replace("# ", " ").strip() if comment else ""
        return SENTENCE_END.split(words, maxsplit=1)[0]


def examples() -> list[Example]:
    """All example configurations."""
    return [Example(name, path) for name, path in example_paths().items()]


def example(name: str) -> Example:
    """The example of this name. Raises UsageError if there is none."""
    known = example_paths()
    if name not in known:
        hint = did_you_mean(name, known)
        raise UsageError(f"--example: found {name!r}, must be one of {', '.join(known)}{hint}")
    return Example(name, known[name])


def example_texts(chosen: Example, config: Path) -> dict[Path, str]:
    """The text of each file that the example needs at `config`: itself first, then its schema, then
    the file that its `base` names.
    """
    is_sweep = chosen.kind == SWEEP
    schema = config.with_name(SWEEP_SCHEMA_NAME if is_sweep else SCHEMA_NAME)
    text = chosen.text.replace(f"{CONFIGS}/{chosen.name}.yaml", config.name)
    texts = {
        config: f"{schema_line(schema.name)}\n#\n{text}",
        schema: schema_text(sweep_json_schema() if is_sweep else run_json_schema()),
    }
    if found := BASE.search(text):
        texts[config.parent / found[1]] = (chosen.path.parent / found[1]).read_text("utf-8")
    return texts
