"""Seconds per epoch of mnistlab, PyTorch and JAX on every row, measured in turns.

    python -m benchmarks.run --markdown docs/benchmarks.md --json benchmarks/results/rows.json

Every library trains in a process of its own, which sleeps while another is timed.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import instructions, network, tables
from benchmarks.machine import blas_peak, surroundings
from benchmarks.peers import LIBRARIES, PeerError, PeerProcess, in_turns, installed, running
from benchmarks.serve import open_dataset
from benchmarks.workloads import WORKLOADS, Workload, config_of
from mnistlab.store.provenance import available_cpus
from mnistlab.support.errors import MnistlabError


def columns(libraries: list[str], threads: int) -> list[tuple[str, int]]:
    """Who is measured: the others on one thread and on all, mnistlab on all."""
    counts = {name: [threads] if name == "mnistlab" else sorted({1, threads}) for name in libraries}
    return [(name, count) for name in libraries for count in counts[name]]


def measure(
    work: Workload, peers: list[tuple[str, int]], rounds: int, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """A row: seconds per epoch of every peer, the median of its turns, and what came of it."""
    with running(peers, work.name, overrides) as processes:
        turns = in_turns(processes, work.epochs, rounds, work.name)
        results = {peer.key: _result(peer, turns[peer.key]) for peer in processes}
    description = _description(work, overrides)
    return {**description, "epochs": 1 + rounds * work.epochs, "peers": results}


def _result(peer: PeerProcess, turns: list[float]) -> dict[str, Any]:
    evaluated = peer.ask("evaluate")
    return {
        "threads": peer.threads,
        "seconds": statistics.median(turns),
        "turns": turns,
        "accuracy": evaluated["accuracy"],
        "peak_memory": peer.ask("memory")["peak"],
    }


def _description(work: Workload, overrides: Sequence[str]) -> dict[str, Any]:
    config = config_of(work.name, overrides)
    dataset = open_dataset(config)
    layers = network.layers(config, dataset.image_shape, len(dataset.class_names))
    images = len(dataset.train)
    optimizer: Any = config.optimizer
    name = {"sgd": "SGD", "adam": "Adam"}[optimizer.type]
    momentum = f", momentum {optimizer.momentum:g}" if getattr(optimizer, "momentum", 0) else ""
    return {
        "name": work.name,
        "model": work.model,
        "report": work.report,
        "batch": config.training.batch_size,
        "optimizer": f"{name} {optimizer.lr:g}{momentum}",
        "images": images,
        "flops": images * network.flops_per_image(layers),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=",".join(WORKLOADS), help="such as W1,W3")
    parser.add_argument("--peers", default=",".join(LIBRARIES), help="such as torch,mnistlab")
    parser.add_argument("--threads", type=int, default=available_cpus())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a change to every row's configuration, for a trial: data.source=digits",
    )
    parser.add_argument(
        "--instructions", choices=list(instructions.SETS), help="restrict all libraries to these"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep what the --json file has of other rows; it must be of this processor",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="a page with marks, or new")
    options = parser.parse_args(arguments)
    if options.instructions:
        instructions.restrict(options.instructions, "benchmarks.run", arguments or sys.argv[1:])
    rows = _chosen(parser, "rows", options.rows, list(WORKLOADS))
    libraries = installed(_chosen(parser, "peers", options.peers, list(LIBRARIES)))
    peers = columns(libraries, options.threads)
    result = surroundings(options.threads)
    result |= {
        "instructions": options.instructions,
        "rounds": options.rounds,
        "set": options.set,
        "rows": [],
    }
    if options.keep:
        result = _kept(options.json, result)
    else:
        result["peak_gflops"] = {
            str(threads): blas_peak(threads) for threads in sorted({1, options.threads})
        }
    try:
        for name in rows:
            row = measure(WORKLOADS[name], peers, options.rounds, options.set)
            _put(result["rows"], row | {"again": _when(surroundings(1))} if options.keep else row)
            tables.write_json(options.json, result)  # what is measured stays, whatever comes
    except (MnistlabError, PeerError) as error:
        raise SystemExit(str(error)) from error
    table = tables.rows_table(result)
    if options.markdown:
        tables.write(options.markdown, "rows", table)
    print(table, end="")


def _kept(path: Path, now: dict[str, Any]) -> dict[str, Any]:
    """The result that a file has, if it was measured as this one will be; else SystemExit."""
    before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for key in ("processor", "threads", "instructions", "rounds", "set"):
        if before[key] != now[key]:
            raise SystemExit(f"{path}: measured with other {key}: {before[key]}")
    for name in tables.TOLD_VERSIONS:
        if before["versions"].get(name) != now["versions"].get(name):
            raise SystemExit(f"{path}: measured with {name} {before['versions'].get(name)}")
    return before


def _put(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """Put a row in the place of the one of its name, or behind the others."""
    names = [one["name"] for one in rows]
    place = names.index(row["name"]) if row["name"] in names else len(rows)
    rows[place : place + 1] = [row]


def _when(now: dict[str, Any]) -> dict[str, Any]:
    return {"measured": now["measured"], "git": now["git"]}


def _chosen(parser: argparse.ArgumentParser, option: str, text: str, known: list[str]) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        parser.error(f"--{option}: {', '.join(unknown)}; choose from {', '.join(known)}")
    return names


if __name__ == "__main__":
    main()
