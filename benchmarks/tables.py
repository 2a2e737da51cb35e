"""Results as Markdown, and their place in a page."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import LIBRARIES

TOLD_VERSIONS = ("python", "numpy", "numba", "scipy", "torch", "jax")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def rounded(seconds: float) -> str:
    """A number of seconds to three figures."""
    return f"{seconds:.3g}"


def peer_title(key: str) -> str:
    """`torch-2` as a column's title."""
    library, threads = key.split("-")
    return f"{LIBRARIES[library].name}, {threads} thread{'s' if threads != '1' else ''}"


def measured_on(result: dict[str, Any]) -> str:
    """A line about the machine, the versions and the day of a measurement."""
    versions = [
        f"{name} {version}"
        for name, version in result["versions"].items()
        if name in TOLD_VERSIONS and version
    ]
    restricted = result.get("instructions")
    only = f", restricted to {restricted.upper()}" if restricted else ""
    return (
        f"Measured {result['measured'][:10]} on {result['processor']}{only}, {result['cpus']} "
        f"processor{'s' if result['cpus'] != 1 else ''}; mnistlab {result['mnistlab']} "
        f"({_commit(result)}), {', '.join(versions)}.\n"
    )


def _commit(result: dict[str, Any]) -> str:
    commit = (result["git"]["commit"] or "unknown")[:10]
    return f"commit {commit}{', changed' if result['git']['dirty'] else ''}"


def lead(row: dict[str, Any]) -> float | None:
    """How many times as fast as the fastest of the others mnistlab is; None without others."""
    ours, others = _ours(row), [p["seconds"] for k, p in row["peers"].items() if not _is_ours(k)]
    return min(others) / ours["seconds"] if ours and others else None


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def rows_table(result: dict[str, Any]) -> str:
    """The table of the rows: seconds, lead, rates and accuracies."""
    rows = result["rows"]
    keys = list(dict.fromkeys(key for row in rows for key in row["peers"]))
    head = ["", "model; batch; optimizer", *map(peer_title, keys), "lead"]
    head += ["images/s", "GFLOP/s", "of BLAS peak", "test accuracy (epochs)"]
    lines = []
    for row in rows:
        seconds = [_seconds(row["peers"].get(key)) for key in keys]
        ratio = lead(row)
        lines.append(
            [
                f"**{row['name']}**",
                f"{row['model']}; {row['batch']}; {row['optimizer']}",
                *seconds,
                f"**{ratio:.2f}**" if ratio else "–",
                *_rates(row, result["peak_gflops"]),
                _accuracies(row),
            ]
        )
    return "\n".join(
        [markdown(head, lines), _closing(rows, result), measured_on(result)]
    ) + "".join(_measured_again(row) for row in rows if "again" in row)


def _measured_again(row: dict[str, Any]) -> str:
    again = row["again"]
    return f"{row['name']} was measured again on {again['measured'][:10]}, {_commit(again)}.\n"


def _closing(rows: list[dict[str, Any]], result: dict[str, Any]) -> str:
    peaks = ", ".join(
        f"{value:.0f} GFLOP/s on {threads} thread{'s' if threads != '1' else ''}"
        for threads, value in result["peak_gflops"].items()
    )
    text = f"Single-precision BLAS product here: {peaks}. Medians of {result['rounds']} rounds.\n"
    leads = {row["name"]: ratio for row in rows if (ratio := lead(row))}
    if leads:
        worst = min(leads, key=lambda name: leads[name])
        text = (
            f"**Geometric mean of the leads {geometric_mean(list(leads.values())):.2f}; "
            f"the least {leads[worst]:.2f} ({worst}).** {text}"
        )
    return text


def _is_ours(key: str) -> bool:
    return key.startswith("mnistlab-")


def _ours(row: dict[str, Any]) -> dict[str, Any] | None:
    return next((peer for key, peer in row["peers"].items() if _is_ours(key)), None)


def _seconds(peer: dict[str, Any] | None) -> str:
    return "–" if peer is None else rounded(peer["seconds"])


def _rates(row: dict[str, Any], peaks: dict[str, float]) -> list[str]:
    ours = _ours(row)
    if ours is None:
        return ["–"] * 3
    rate = row["flops"] / ours["seconds"] / 1e9
    images = row["images"] / ours["seconds"]
    return [f"{images:,.0f}", f"{rate:.1f}", f"{rate / peaks[str(ours['threads'])]:.0%}"]


def _accuracies(row: dict[str, Any]) -> str:
    by_library = {key.split("-")[0]: peer["accuracy"] for key, peer in row["peers"].items()}
    parts = (f"{LIBRARIES[name].name} {100 * value:.2f}" for name, value in by_library.items())
    return f"{', '.join(parts)} ({row['epochs']})"


def write_json(path: Path | None, result: dict[str, Any]) -> None:
    """Write what was measured so far, where a file is asked for."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def write(path: Path, name: str, table: str) -> None:
    """Put a table into a page between the marks `<!-- name -->` and `<!-- /name -->`.

    A page that is not there is made. Raises ValueError where the page lacks the marks.
    """
    opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    if not path.exists():
        path.write_text(f"{opening}{table}{closing}", encoding="utf-8")
        return
    before, found, rest = path.read_text(encoding="utf-8").partition(opening)
    _, found_end, after = rest.partition(closing)
    if not (found and found_end):
        raise ValueError(f"{path}: has no lines {opening.strip()} and {closing.strip()}")
    path.write_text(f"{before}{opening}\n{table}\n{closing}{after}", encoding="utf-8")
