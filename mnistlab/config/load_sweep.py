"""Reads a sweep: from its file, or from a run configuration and values on the command line."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mnistlab.config.bases import base_path, over_bases, read_run
from mnistlab.config.checks import KeyPath
from mnistlab.config.config_text import mapping_nodes, read_config_text, sweep_mark
from mnistlab.config.dump import mapping_as_yaml, restated
from mnistlab.config.load import make_paths_absolute
from mnistlab.config.overrides import apply_override, set_node, split_key, wrong_argument
from mnistlab.config.ranges import RANGES, listed_values
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, Position, Problem, messages
from mnistlab.config.split_words import joined_words
from mnistlab.config.sweep import SweepConfig
from mnistlab.config.type_change import drop_keys_of_other_types, types_at
from mnistlab.config.validate import validate
from mnistlab.config.yaml_nodes import nodes_from_mapping, nodes_from_text
from mnistlab.support.errors import ConfigError

# The keys of the sweep, not of its runs, that `KEY=VALUE` may set.
logger = logging.getLogger(__name__)

SWEEP_KEYS = (
    *(
        "exclude",
        "grids",
        "method",
        "metric",
        "name",
        "parallel",
        "prune",
        "refit",
        "seeds",
        "stop",
    ),
    *("when", "zip"),
)


@dataclass(frozen=True)
class SweepSource:
    """A sweep's configuration, and its values with the positions where they were written.

    `root` has the run that is varied under `run`, as written, from any file.
    """

    config: SweepConfig
    root: Node
    _warned: set[str] = field(default_factory=set, repr=False, compare=False)

    def run_config(self, settings: Mapping[str, Node]) -> tuple[RunConfig | None, list[Problem]]:
        """The run's configuration with values set by their paths; or its problems.

        A whole section is set before the keys in it, whatever their order, so each value is tried.
        """
        run = self.root.at(("run",))
        assert run is not None
        run, problems = run.copy(), []
        values = sorted(
            ((split_key(key), value) for key, value in settings.items()),
            key=lambda one: len(one[0]),
        )
        given = [path for path, _ in values]
        before = types_at(run, given)
        for path, value in values:
            problems += set_node(run, path, value.copy())
        drop_keys_of_other_types(run, before, given, self._warn_once)
        config, faults = validate(RunConfig, run)
        if config is None or problems:
            return None, problems + faults
        if remark := config.model.remark:
            self._warn_once(remark)
        return config.written_at(run), []

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            logger.warning("%s", text)

    def with_parallel(self, workers: int) -> "SweepSource":
        """The sweep with `parallel` set, which is the number of workers by default; unchanged if
        its method has no use for it.
        """
        if not self.config.one_by_one or self.config.parallel is not None:
            return self
        return replace(self, config=self.config.model_copy(update={"parallel": workers}))

    def mapping(self) -> dict[str, Any]:
        """The complete sweep as dicts, lists and scalars; it needs no other file."""
        return self.config.model_dump(mode="json", by_alias=True, exclude={"base"})

    def text(self) -> str:
        """The complete sweep as YAML."""
        mapping, run = restated(self.mapping(), self.config.reference), self.root.at(("run",))
        stated = run.child("reference") if run is not None else None
        if stated is not None:
            mapping = {**mapping, "run": {**mapping["run"], "reference": stated.stated()}}
        return mapping_as_yaml(mapping)


def load_sweep(path: Path | str, arguments: Sequence[str] = ()) -> SweepSource:
    """The sweep of a YAML file, with `KEY=V1,V2` from the command line.

    The file is a sweep's; or a run's, if all values to try are on the command line. Raises
    ConfigError with all errors of the sweep; its trials are not validated yet.
    """
    text = read_config_text(path)
    return parse_sweep(text, str(path), arguments, base_dir=Path(path).parent)


def parse_sweep(
    text: str, source: str, arguments: Sequence[str] = (), base_dir: Path | None = None
) -> SweepSource:
    """The sweep of YAML text, as `load_sweep`; `source` is its name in messages."""
    root, problems = mapping_nodes(text, source, base_dir)
    return _resolve(root, problems, arguments)


def sweep_from_mapping(mapping: Mapping[str, Any], source: str = "configuration") -> SweepSource:
    """The sweep of a Python mapping, read like the same YAML. Raises ConfigError."""
    return _resolve(nodes_from_mapping(mapping, Position(source)), [], ())


def value_nodes(key: str, values: Node) -> list[Node]:
    """The single values to try for a key: from a list, a `logspace` or a `range`."""
    if isinstance(values.value, list):
        return [Node(item.value, item.position, values.key_position) for item in values.value]
    listed = listed_values(key, values.plain())
    return [Node(value, values.position, values.key_position) for value in listed]


def refuse(problems: list[Problem]) -> None:
    """Raise ConfigError with the problems, in order for each file, if there are any."""
    if problems:
        raise ConfigError(*messages(problems))


def _resolve(root: Node, problems: list[Problem], arguments: Sequence[str]) -> SweepSource:
    problems = list(problems)
    short_form = sweep_mark(root) is None
    if short_form:
        root = Node({"run": root}, root.position)
    else:
        problems += _take_base_in(root)
    arguments, split = joined_words(arguments, (RunConfig, SweepConfig))
    problems += split
    assert isinstance(root.value, dict)
    run = root.at(("run",))
    if run is not None:
        root.value["run"], of_bases = over_bases(run)
        run, problems = root.value["run"], problems + of_bases
    given = [split_key(argument.partition("=")[0].strip()) for argument in arguments]
    before = types_at(run, given) if run is not None else {}
    for argument in arguments:
        problems += _apply(root, argument)
    if run is not None:
        drop_keys_of_other_types(run, before, given)
    if short_form and not arguments and not split:
        raise ConfigError(
            f"{root.position.source}: is the configuration of one run; give the values to try "
            "after it, such as optimizer.lr=0.1,0.01, or name the file of a sweep"
        )
    if short_form and "parameters" not in root.value:
        root.value["parameters"] = Node(_single_values(arguments), root.position)
    return validated(root, problems)


def _single_values(arguments: Sequence[str]) -> dict[str, Node]:
    """Single values as parameters, set in every trial: for a sweep that varies at most the seed."""
    told = (values_of(argument) for argument in arguments if not _is_of_the_sweep(argument))
    return {key: values for key, values, problems in told if not problems}


def _take_base_in(root: Node) -> list[Problem]:
    """Replace the name of the run's file by the configuration in it."""
    base = root.child("base")
    assert isinstance(root.value, dict)
    if base is None or not isinstance(base.value, str) or "run" in root.value:
        return []
    del root.value["base"]
    run, problems = read_run(base, base_path(base))
    root.value["run"] = run or Node({}, base.position, base.key_position)
    return problems


def _apply(root: Node, argument: str) -> list[Problem]:
    """Apply one `KEY=V1,V2`: a key of the sweep, values to try, or a value of every run."""
    if _is_of_the_sweep(argument):
        return apply_override(root, argument, SweepConfig)
    key, values, problems = values_of(argument)
    run, parameters = root.at(("run",)), root.at(("parameters",))
    if problems or run is None:
        return problems
    is_parameter = parameters is not None and parameters.child(key) is not None
    single = isinstance(values.value, list) and len(values.value) == 1
    if single and not is_parameter:
        assert isinstance(values.value, list)
        return set_node(run, split_key(key), values.value[0])
    if root.at(("stages",)) is not None or root.at(("grids",)) is not None:
        message = "a sweep in stages or of grids takes one value for a key from the command line"
        return [Problem(values.position, (), message)]
    return set_node(root, ("parameters", key), values)


def _is_of_the_sweep(argument: str) -> bool:
    return argument.partition("=")[0].strip().split(".")[0] in SWEEP_KEYS


def values_of(argument: str) -> tuple[str, Node, list[Problem]]:
    """The key and the values of `KEY=V1,V2`, read as the items of a YAML flow list."""
    position = Position(f"command line: {argument}")
    empty = Node([], position, position)
    key, equals, text = argument.partition("=")
    key = key.strip()
    if not equals:
        message = "must be KEY=V1,V2, such as optimizer.lr=0.1,0.01"
        return key, empty, [Problem(position, (), message)]
    if not all(split_key(key)):
        message = "the key before '=' must be a dotted path, as optimizer.lr is"
        return key, empty, [Problem(position, (), message)]
    try:
        values, problems = nodes_from_text(f"[{text}\n]", lambda line, column: position)
    except ConfigError as error:
        return key, empty, [wrong_argument(argument, error)]
    if problems or values is None or not isinstance(values.value, list):
        path = split_key(key)
        return key, empty, [Problem(position, (*path, *p.path[1:]), p.message) for p in problems]
    if not values.value:
        return key, empty, [Problem(position, split_key(key), "needs at least one value")]
    first = values.value[0]
    if len(values.value) == 1 and isinstance(first.value, dict) and set(first.value) & set(RANGES):
        values = first
    values.key_position = position
    for item in values.value if isinstance(values.value, list) else ():
        item.key_position = position
    return key, values, []


def validated(root: Node, problems: list[Problem]) -> SweepSource:
    """The sweep of nodes; raises ConfigError with `problems` and all further errors."""
    _name_after_run(root)
    config, faults = validate(SweepConfig, root)
    refuse(problems + faults)
    assert config is not None
    _make_values_absolute(root, config)
    config, _ = validate(SweepConfig, root)
    assert config is not None
    return SweepSource(config, root)


def _name_after_run(root: Node) -> None:
    run = root.child("run")
    name = run.child("name") if run is not None else None
    if name is not None and isinstance(name.value, str) and root.child("name") is None:
        assert isinstance(root.value, dict)
        root.value["name"] = Node(f"{name.value}-sweep", name.position, name.key_position)


def _make_values_absolute(root: Node, config: SweepConfig) -> None:
    """Resolve the paths in the run, and in every value to try, relative to their files."""
    run = root.at(("run",))
    assert run is not None
    make_paths_absolute(run)
    paths: list[KeyPath] = [
        (*block, key) for block, parameters in config.blocks() for key in parameters
    ]
    paths += [
        ("stages", index, "set", key)
        for index, stage in enumerate(config.stages or ())
        for key in stage.set
    ]
    for path in paths:
        node = root.at(path)
        assert node is not None
        for item in node.value if isinstance(node.value, list) and path[-2] != "set" else [node]:
            alone = Node({}, item.position)
            set_node(alone, split_key(str(path[-1])), item)
            make_paths_absolute(alone)
