"""Groups of runs that share the values of some keys: their seeds pooled, and their differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.statistics.difference import (
    Difference,
    difference_of,
    paired_values,
    probability_of_improvement,
)
from mnistlab.statistics.hypothesis_tests import holm, sign_flip_test
from mnistlab.statistics.power import seeds_to_tell
from mnistlab.statistics.seeds import ALPHA, Interval, Sample, Summary, summary_of
from mnistlab.store.browse.comparison import (
    ABSENT,
    ComparedRun,
    Comparison,
    in_order,
    refuse_unknown,
)
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import is_accuracy
from mnistlab.support.scale import on_scale
from mnistlab.support.text_format import counted

ALL = "all"  # groups by every key that differs, apart from these
NO_SETTING = ("seed", "name")


@dataclass(frozen=True)
class Against:
    """A group beside the baseline: the group's metric minus the baseline's.

    `p_value` is corrected by Holm for the number of groups. `improvement` is the probability of
    improvement. `seeds_needed` would tell the groups apart; None if they are told apart, or if it
    is unknown or above 1,000.
    """

    difference: Difference
    p_value: float | None
    improvement: float
    seeds_needed: int | None


@dataclass(frozen=True)
class Group:
    """Finished runs with the same values of the keys; `parameters` are these values.

    `summaries` are of every metric that all of its runs have. `varied` are the other keys in which
    the runs differ, apart from the seed and the name.
    """

    parameters: Mapping[str, Any]
    runs: tuple[ComparedRun, ...]
    summaries: Mapping[str, Summary]
    varied: tuple[str, ...]
    is_baseline: bool = False
    against: Against | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each run."""
        return tuple(map(seed_of, self.runs))

    def sample(self, metric: str) -> Sample | None:
        """A metric of each run; None if a run lacks it."""
        if metric not in self.summaries:
            return None
        values = (one.metrics[metric] for one in self.runs)
        return Sample(tuple(value for value in values if value is not None), self.seeds)


@dataclass(frozen=True)
class Groups:
    """All groups, the best by `metric` first. `metrics` are those of any group, this one first.
    `notes` say which runs count in no group, and what else differs within the groups.
    """

    keys: tuple[str, ...]
    metric: str
    metrics: tuple[str, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def has_baseline(self) -> bool:
        return any(group.is_baseline for group in self.groups)

    def sorted_by(self, key: str) -> "Groups":
        """The groups in another order, by a key or by the mean of a metric, as
        `Comparison.sorted_by` orders runs.
        """
        name = key.removeprefix("-")
        refuse_unknown("--sort", name, (*self.keys, *self.metrics))
        means = [{n: s.mean for n, s in group.summaries.items()} for group in self.groups]
        values = [
            {**group.parameters, **own}.get(name)
            for group, own in zip(self.groups, means, strict=True)
        ]
        return replace(self, groups=tuple(in_order(key, self.groups, values)))


def grouped(comparison: Comparison, keys: Sequence[str], metric: str) -> Groups:
    """The finished runs of a comparison by the values of `keys`; ALL stands for every key that
    differs, apart from the seed and the name.

    Runs with the same configuration and seed give the same results: they count once. Raises
    UsageError for an unknown key, and if no run has finished.
    """
    keys = keys_of_groups(comparison, keys)
    found: dict[str, list[ComparedRun]] = {}
    seen: set[str] = set()
    repeated = 0
    finished = [one for one in comparison.runs if one.run.record.status.finished]
    if not finished:
        raise UsageError("no run has finished: there is nothing to group")
    for one in finished:
        # All runs have the same values of the other keys.
        itself = repr([one.settings.get(key, ABSENT) for key in comparison.keys if key != "name"])
        if itself in seen:
            repeated += 1
            continue
        seen.add(itself)
        found.setdefault(repr([one.settings.get(key, ABSENT) for key in keys]), []).append(one)
    for runs in found.values():
        runs.sort(key=seed_of)
    groups = [_group(keys, runs, comparison) for runs in found.values()]
    notes = _notes(len(comparison.runs) - len(finished), repeated, groups)
    others = [name for name in comparison.metrics if name != metric]
    return Groups(keys, metric, (metric, *others), _best_first(groups, metric), notes)


def seed_of(one: ComparedRun) -> int:
    """The seed of a run; raises UsageError if its run.json has none."""
    seed = one.settings.get("seed")
    if type(seed) is not int:
        path = RunDir(one.run.path).run_json
        raise UsageError(f"{path}: config.seed: found {seed!r}, expected a whole number")
    return seed


def keys_of_groups(comparison: Comparison, keys: Sequence[str]) -> tuple[str, ...]:
    """The keys to group by; raises UsageError for an unknown one."""
    if list(keys) == [ALL]:
        shown = (key for key in comparison.keys if key not in comparison.implied)
        return tuple(key for key in shown if key not in NO_SETTING)
    for key in keys:
        refuse_unknown("--group-by", key, comparison.every_key)
    return tuple(dict.fromkeys(keys))


def _group(keys: Sequence[str], runs: Sequence[ComparedRun], comparison: Comparison) -> Group:
    summaries = {}
    for name in comparison.metrics:
        values = [value for one in runs if on_scale(value := one.metrics[name])]
        if len(values) == len(runs):
            summaries[name] = summary_of(values, is_share=is_accuracy(name))
    first = runs[0].settings
    varied = [
        key
        for key in comparison.keys
        if key not in (*NO_SETTING, *keys)
        and any(one.settings.get(key, ABSENT) != first.get(key, ABSENT) for one in runs)
    ]
    values_of_keys = {key: first[key] for key in keys if key in first}
    return Group(values_of_keys, tuple(runs), summaries, tuple(varied))


def _notes(unfinished: int, repeated: int, groups: Sequence[Group]) -> tuple[str, ...]:
    notes = []
    if unfinished:
        notes.append(f"{counted(unfinished, 'run')} not finished: in no group")
    if repeated:
        same = "with the configuration and seed of another one"
        notes.append(f"{counted(repeated, 'run')} {same}: counted once")
    varied = list(dict.fromkeys(key for group in groups for key in group.varied))
    if varied:
        notes.append(f"runs of one group also differ in {', '.join(varied)}")
    return tuple(notes)


def _best_first(groups: Sequence[Group], metric: str) -> tuple[Group, ...]:
    sign = -1.0 if is_accuracy(metric) else 1.0
    have = [group for group in groups if metric in group.summaries]
    have.sort(key=lambda group: sign * group.summaries[metric].mean)
    return (*have, *(group for group in groups if metric not in group.summaries))


def against(groups: Groups, run: Path) -> Groups:
    """The groups beside the baseline: the group that has this run.

    Raises UsageError if none has, or if the baseline lacks the metric.
    """
    baseline = next(
        (group for group in groups.groups if run in [one.run.path for one in group.runs]), None
    )
    if baseline is None:
        raise UsageError(f"--against: {run} is in no group: it has not finished, or repeats a run")
    sample = baseline.sample(groups.metric)
    if sample is None:
        raise UsageError(f"--against: not all runs like {run} have the metric {groups.metric}")
    others = [group for group in groups.groups if group is not baseline]
    samples = [group.sample(groups.metric) for group in others]
    differences = [None if one is None else difference_of(one, sample) for one in samples]
    tested = [one.p_value for one in differences if one is not None and one.p_value is not None]
    corrected = iter(holm(tested))
    beside: dict[int, Group] = {id(baseline): replace(baseline, is_baseline=True)}
    for group, one, difference in zip(others, samples, differences, strict=True):
        if one is not None and difference is not None:
            p_value = None if difference.p_value is None else next(corrected)
            told = _against(groups.metric, (one, sample), difference, p_value, len(tested))
            beside[id(group)] = replace(group, against=told)
    return replace(groups, groups=tuple(beside.get(id(group), group) for group in groups.groups))


def _against(
    metric: str,
    samples: tuple[Sample, Sample],
    difference: Difference,
    p_value: float | None,
    tested: int,
) -> Against:
    """A group and the baseline, whose difference is one of `tested` ones."""
    needed = None
    if p_value is not None and p_value >= ALPHA and difference.effect_size is not None:
        effect, alpha = difference.effect_size, ALPHA / tested
        needed = seeds_to_tell(effect, paired=difference.is_paired, alpha=alpha)
    values = (np.array(one.values) for one in samples)
    better = probability_of_improvement(*values, larger_is_better=is_accuracy(metric))
    return Against(difference, p_value, better, needed)


def group_rows(groups: Groups) -> list[dict[str, Any]]:
    """Every number of every group by the name of its column, for files and programs. The bootstrap
    is of the groups' metric alone.
    """
    rows = []
    baseline = next((g.sample(groups.metric) for g in groups.groups if g.is_baseline), None)
    for group in groups.groups:
        row: dict[str, Any] = {key: group.parameters.get(key) for key in groups.keys}
        row |= {"runs": len(group.runs), "seeds": list(group.seeds)}
        for name in groups.metrics:
            row |= _summary_cells(name, group.summaries.get(name))
        sample = group.sample(groups.metric)
        full = None if sample is None else summary_of(sample.values, bootstrap=True)
        bootstrap = None if full is None else full.bootstrap
        row |= _ends(f"{groups.metric}_bootstrap", bootstrap)
        if groups.has_baseline:
            told = group.against
            row |= {"is_baseline": group.is_baseline, **_against_cells(told)}
            row["sign_flip_p_value"] = _sign_flip(told, sample, baseline)
        rows.append(row)
    return rows


def _summary_cells(name: str, summary: Summary | None) -> dict[str, float | None]:
    return {
        f"{name}_mean": None if summary is None else summary.mean,
        f"{name}_std": None if summary is None else summary.std,
        **_ends(name, None if summary is None else summary.interval),
    }


def _ends(name: str, interval: Interval | None) -> dict[str, float | None]:
    return {
        f"{name}_low": None if interval is None else interval.low,
        f"{name}_high": None if interval is None else interval.high,
    }


def _against_cells(told: Against | None) -> dict[str, Any]:
    one = None if told is None else told.difference
    return {
        "difference": None if one is None else one.estimate,
        **_ends("difference", None if one is None else one.interval),
        "pairs": None if one is None else len(one.pairs),
        "p_value": None if told is None else told.p_value,
        "effect_size": None if one is None else one.effect_size,
        "probability_of_improvement": None if told is None else told.improvement,
        "seeds_needed": None if told is None else told.seeds_needed,
    }


def _sign_flip(told: Against | None, own: Sample | None, baseline: Sample | None) -> float | None:
    """The p-value of the sign-flip test; None of unpaired groups."""
    if told is None or not told.difference.pairs or own is None or baseline is None:
        return None
    first, second = paired_values(own, baseline, told.difference.pairs)
    return sign_flip_test(first - second)
