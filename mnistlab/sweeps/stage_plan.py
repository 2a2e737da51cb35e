"""The stages of a sweep as they are written: which parameters are tried together."""

from collections.abc import Mapping
from dataclasses import dataclass

from mnistlab.config.load_sweep import SweepSource
from mnistlab.config.source_nodes import Node
from mnistlab.config.sweep_checks import groups


@dataclass(frozen=True)
class StagePlan:
    """Parameters tried together: a stage, or (`name` None) a whole sweep without stages."""

    name: str | None
    source: str | None  # the stage that it continues
    grids: tuple[Node, ...]  # the parameters; several mappings if the key `grids` has them
    fixed: Mapping[str, Node]

    @property
    def parameters(self) -> Node:
        """The parameters, of the first grid."""
        return self.grids[0]


def values_of_key(parameters: Node, key: str) -> Node:
    """The values to try for a key: a list or a range."""
    node = parameters.child(key)
    assert node is not None
    return node


def crossed(parameters: Node, source: SweepSource) -> list[list[str]]:
    """The keys that are crossed, each with those that change together with it."""
    assert isinstance(parameters.value, dict)
    return groups(parameters.value, source.config.zip)


def stage_plans(source: SweepSource) -> list[StagePlan]:
    """The stages of a sweep in their order; one for a sweep without stages."""
    whole = source.root.at(("parameters",))
    if whole is not None and source.config.parameters is not None:
        return [StagePlan(None, None, (whole,), {})]
    grids = [source.root.at(("grids", index)) for index, _ in enumerate(source.config.grids or ())]
    if grids:
        return [StagePlan(None, None, tuple(filter(None, grids)), {})]
    found = []
    for index, stage in enumerate(source.config.stages or ()):
        parameters = source.root.at(("stages", index, "parameters"))
        fixed = {key: source.root.at(("stages", index, "set", key)) for key in stage.set}
        assert parameters is not None
        kept = {key: node for key, node in fixed.items() if node is not None}
        found.append(StagePlan(stage.name, stage.source, (parameters,), kept))
    return found
