"""Checks whether a stopped run may be resumed: its state, and what has changed since."""

from pathlib import Path
from typing import Any

from mnistlab.added_keys import completed
from mnistlab.config import RunConfig, load_run_config, resolved_mapping
from mnistlab.experiment.callbacks import RunResult
from mnistlab.store.browse.values import flattened
from mnistlab.store.checksums import is_as_written, refuse_wrong_checksum
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import DatasetRecord, RunFacts, RunRecord, read_run_record
from mnistlab.support.errors import UsageError
from mnistlab.support.host import deciding_versions
from mnistlab.support.safe_files import open_artefact


def history_of(run_dir: RunDir, force: bool = False) -> RunRecord | None:
    """The content of a run's run.json; None if the run ended before it was written.

    Raises UsageError if it is damaged; `force` accepts one that was edited.
    """
    return read_run_record(run_dir, edited=force) if run_dir.run_json.exists() else None


def config_of(run_dir: RunDir, history: RunRecord | None) -> RunConfig:
    """A run's configuration; raises ConfigError or UsageError if it is not the one that the run was
    started with.
    """
    open_artefact(run_dir.config).close()
    config = load_run_config(run_dir.config)
    if history is None:
        refuse_wrong_checksum(run_dir.config)
    else:
        config = _with_recorded_length(run_dir, history, config)
        refuse_changed_config(run_dir.config, history, config)
    return config


def _with_recorded_length(run_dir: RunDir, history: RunRecord, config: RunConfig) -> RunConfig:
    """The configuration with the length in run.json, where a run was made longer and the machine
    stopped before config.yaml was written again.
    """
    recorded = history.config.get("training")
    now = resolved_mapping(config)["training"]
    if not isinstance(recorded, dict) or not is_as_written(run_dir.config):
        return config
    length = {key: recorded.get(key) for key in ("epochs", "steps")}
    if length == {key: now.get(key) for key in length}:
        return config
    return load_run_config(
        run_dir.config, {f"training.{key}": value for key, value in length.items()}
    )


def ended_result(run_dir: RunDir, history: RunRecord | None) -> RunResult | None:
    """The result of a run that has ended; None if it can be resumed."""
    if history is None or history.status.resumable:
        return None
    return RunResult.of(run_dir.path, history, already_ended=True)


def refuse_changed_config(path: Path, history: RunRecord, config: RunConfig) -> None:
    """Raise UsageError, naming the keys, if a run's config.yaml, at `path`, has changed since the
    run was started.
    """
    before = flattened(completed(history.config))
    now = flattened(resolved_mapping(config))
    changed = [
        f"{key}: was {before.get(key)!r}, is {now.get(key)!r}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    if changed:
        message = f"{path}: has changed since the run was started:"
        hint = [
            f"`mnistlab resume RUN {key}=N` makes a run longer; config.yaml stays as it was written"
            for key in ("training.epochs", "training.steps")
            if any(line.startswith(f"{key}: ") for line in changed)
        ]
        raise UsageError(message, *changed, *hint[:1])


def refuse_changed_data(stated: DatasetRecord, dataset_sha256: str) -> None:
    """Raise UsageError if the dataset is not the one that the run was trained on."""
    if stated.sha256 != dataset_sha256:
        raise UsageError(
            f"the dataset {stated.name} has changed since the run was started: "
            f"its SHA-256 was {stated.sha256}, is {dataset_sha256}"
        )


def refuse_changed_surroundings(
    facts: RunFacts | None, dataset_sha256: str, force: bool, *, processor: bool = True
) -> None:
    """Raise UsageError, naming what changed, if the data, a library or a compiler setting has
    changed; or the `processor`, if the run is to be resumed on this one.

    `force` accepts everything but other data.
    """
    if facts is None:
        return
    refuse_changed_data(facts.dataset, dataset_sha256)
    before = {"mnistlab": facts.mnistlab, **facts.versions}
    changed = [
        f"{name}: was {before.get(name)}, is {version}"
        for name, version in deciding_versions().items()
        if before.get(name) != version
    ]
    changed += changed_arithmetic(facts.arithmetic, processor=processor)
    if changed and not force:
        raise UsageError(
            "libraries, compiler settings or the processor have changed since the run was started, "
            "so it would not end with the same bits; --force resumes it nevertheless:",
            *changed,
        )


def changed_arithmetic(before: Any, *, processor: bool = True) -> list[str]:
    """The differences from run.json's `arithmetic`; none if an earlier version wrote none.

    Without `processor`, only the settings are compared.
    """
    from mnistlab.runtime.arithmetic import arithmetic

    if before is None:
        return []
    old, new = (flattened({"arithmetic": one}) for one in (before, arithmetic()))
    compared = [key for key in new if processor or not key.startswith("arithmetic.processor")]
    return [
        f"{key}: {_change(key, old.get(key), new[key])}"
        for key in compared
        if old.get(key) != new[key]
    ]


def _change(key: str, old: Any, new: Any) -> str:
    if not key.endswith(".features") or not isinstance(old, str):
        return f"was {old}, is {new}"
    had, has = set(old.split()), set(new.split())
    parts = {"had": sorted(had - has), "now has": sorted(has - had)}
    return ", ".join(f"{verb} {' '.join(names)}" for verb, names in parts.items() if names)
