"""Sweeps drawn at random from the keys of a sweep, with a space whose points are all valid."""

import random
from dataclasses import dataclass, field
from typing import Any

EPOCHS = 6
RUN = {
    "name": "drawn",
    "data": {"source": "digits", "train_limit": 40, "validation": 0.25},
    "model": {"type": "mlp", "hidden": [3]},
    "training": {"epochs": EPOCHS, "batch_size": 10},
}
# No default of the run is among them: then different parameters are different configurations.
LISTS: dict[str, list[Any]] = {
    "optimizer.type": ["sgd", "adam", "rmsprop"],
    "optimizer.lr": [0.3, 0.03, 0.004],
    "model.hidden": [[4], [5], [4, 4]],
    "model.activation": ["tanh", {"type": "leaky_relu", "alpha": 0.2}],
    "training.batch_size": [4, 8, 16],
    "regularization.l2": [1e-4, 1e-3],
}
RANGES: dict[str, dict[str, list[float]]] = {
    "optimizer.lr": {"loguniform": [1e-4, 0.09]},
    "training.batch_size": {"uniform": [4, 9]},
    "regularization.l2": {"loguniform": [1e-6, 1e-2]},
}
SPACED: dict[str, dict[str, list[float]]] = {
    "optimizer.lr": {"logspace": [0.002, 0.2, 3]},
    "training.batch_size": {"range": [3, 9, 3]},
}
LEARN = ("tpe", "cma", "gp")


@dataclass
class Drawn:
    """A sweep as a mapping, and the random numbers for what is done with it."""

    mapping: dict[str, Any]
    random: random.Random
    grids: list[dict[str, Any]] = field(default_factory=list)


def draw(seed: int, number: int) -> Drawn:
    """One sweep."""
    chance = random.Random(f"{seed} {number}")
    method = chance.choice(["grid", "grid", "random", "qmc", "sobol", "lhs", "tpe", "tpe", "cma"])
    if chance.random() < 0.02:
        method = "gp"
    keys = chance.sample(list(LISTS), chance.randint(2, 4))
    if method == "cma":
        keys = list(dict.fromkeys([*RANGES, *keys]))[:4]
    values = {key: _values(key, method, chance) for key in keys}
    if "optimizer.type" in keys and chance.random() < 0.7:
        values = {"optimizer.type": values.pop("optimizer.type"), **values}
        values["optimizer.momentum"] = [0.2, 0.8]
    grids = [values]
    mapping: dict[str, Any] = {"run": RUN, "method": _method(method, chance)}
    if method == "grid" and chance.random() < 0.4:
        grids.append({key: LISTS[key] for key in chance.sample(keys, len(keys) - 1)})
        mapping["grids"] = grids
    else:
        mapping["parameters"] = values
    if "optimizer.momentum" in values:
        mapping["when"] = {"optimizer.momentum": {"optimizer.type": "sgd"}}
    if "grids" not in mapping:
        _zip(mapping, values, chance)
    if chance.random() < 0.4:
        mapping["exclude"] = [_condition(values, chance) for _ in range(chance.randint(1, 2))]
    _conditional(mapping, values, chance)
    _outcome_keys(mapping, method, chance)
    return Drawn(mapping, chance, grids)


def _values(key: str, method: str, chance: random.Random) -> Any:
    if method != "grid" and key in RANGES and (method == "cma" or chance.random() < 0.6):
        return RANGES[key]
    if key in SPACED and chance.random() < 0.3:
        return SPACED[key]
    return LISTS[key]


def _method(name: str, chance: random.Random) -> Any:
    if name == "grid":
        share = chance.choice([1.0, 0.7, 0.3])
        return (
            chance.choice(["grid", {"type": "grid"}]) if share == 1 else _typed(name, share=share)
        )
    more: dict[str, Any] = {"trials": 6 if name == "gp" else chance.randint(3, 14)}
    if name in LEARN and chance.random() < 0.5:
        more["seed"] = chance.randint(0, 9)
    if name in ("tpe", "gp"):
        more["startup"] = chance.randint(2, 5)
    if name == "qmc" and chance.random() < 0.7:
        more["sequence"] = chance.choice(["sobol", "halton"])
    return _typed(name, **more)


def _typed(name: str, **more: Any) -> dict[str, Any]:
    return {"type": name, **more}


def _zip(mapping: dict[str, Any], values: dict[str, Any], chance: random.Random) -> None:
    """Let two lists of equal length change together."""
    alike = [key for key in ("optimizer.lr", "model.hidden") if values.get(key) == LISTS[key]]
    if len(alike) == 2 and chance.random() < 0.5:
        mapping["zip"] = [alike]


def _condition(values: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A condition that leaves at least one point."""
    found: dict[str, Any] = {}
    if "optimizer.lr" in values:
        found["optimizer.lr"] = {"above": chance.choice([0.05, 0.25])}
    if "optimizer.type" in values:
        found["optimizer.type"] = chance.choice(["adam", ["adam", "rmsprop"]])
    if "training.batch_size" in values:
        found["training.batch_size"] = {"above": 3, "below": 6}
    if not found:
        found["model.hidden"] = [[4, 4]] if "model.hidden" in values else None
        found = {key: one for key, one in found.items() if one is not None}
    return found or {"regularization.l2": 1e-3}


def _conditional(mapping: dict[str, Any], values: dict[str, Any], chance: random.Random) -> None:
    """Let the last key be tried only beside some values of the first one."""
    first, last = next(iter(values)), next(reversed(values))
    if "zip" in mapping or "grids" in mapping or last == "optimizer.momentum" or first == last:
        return
    if isinstance(values[first], list) and chance.random() < 0.3:
        mapping.setdefault("when", {})[last] = {first: values[first][:2]}


def _outcome_keys(mapping: dict[str, Any], method: str, chance: random.Random) -> None:
    """The keys about what is done with the outcomes of trials."""
    several = method != "cma" and chance.random() < 0.35
    mapping["metric"] = _metric(several, chance)
    if not several and chance.random() < 0.45:
        mapping["prune"] = chance.choice(
            [
                {"type": "median", "startup": chance.randint(1, 4)},
                {"type": "asha", "reduction": chance.choice([2, 3])},
                {"type": "hyperband", "reduction": 2},
                "asha",
            ]
        )
        if isinstance(mapping["prune"], dict) and chance.random() < 0.5:
            mapping["prune"]["warmup"] = chance.randint(1, 3)
    elif chance.random() < 0.3:
        mapping["seeds"] = 2
    if chance.random() < 0.4:
        limits: dict[str, Any] = {"minutes": 900.0, "trials": chance.randint(2, 12)}
        if not several:
            limits["plateau"] = {"trials": chance.randint(2, 6), "min_delta": 0.01}
            limits["reached"] = 0.93
        kept = chance.sample(list(limits), chance.randint(1, len(limits)))
        mapping["stop"] = {key: limits[key] for key in kept}
    if chance.random() < 0.5 and (method in LEARN or "prune" in mapping):
        mapping["parallel"] = chance.randint(1, 4)


def _metric(several: bool, chance: random.Random) -> Any:
    first = chance.choice(["val_accuracy", "train_accuracy", {"name": "val_accuracy"}])
    if not several:
        return chance.choice([first, [first], {"name": "val_accuracy", "goal": "maximize"}])
    others = ["seconds", {"name": "parameters"}, {"name": "val_loss", "goal": "minimize"}]
    return [first, *chance.sample(others, chance.randint(1, 2))]
