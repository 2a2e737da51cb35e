"""`mnistlab cache`: what is in the cache folder, and how to make room."""

from typing import TYPE_CHECKING, Annotated

import typer

from mnistlab.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnistlab.python.commands.cache import CacheEntry

ORDER = 16  # in --help
EXAMPLES = """\b
Examples:
  mnistlab cache list
  mnistlab cache prune
  mnistlab cache prune --yes
"""
LIST_EXAMPLES = """\b
Example:
  mnistlab cache list
"""
SIZE_EXAMPLES = """\b
Example:
  mnistlab cache size
"""
PRUNE_EXAMPLES = """\b
Examples:
  mnistlab cache prune
  mnistlab cache prune --all --yes
"""

app = typer.Typer(
    name="cache",
    help="List and remove compiled kernels and decoded datasets.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command("list", epilog=LIST_EXAMPLES)
def list_(json: options.Json = False, debug: options.Debug = False) -> None:
    """List the compiled kernels and decoded datasets of the cache.

    Kernels are needed if this installation loads them on this processor, datasets if they were
    read within 30 days. Downloaded datasets are not part of the cache.
    """
    from mnistlab.python.commands.cache import cache_entries
    from mnistlab.support.paths import cache_dir
    from mnistlab.terminal.output import print_json, print_note

    entries = cache_entries()
    whole = sum(entry.bytes for entry in entries)
    if json:
        print_json({"cache": cache_dir(), "entries": entries, "bytes": whole})
        return
    if not entries:
        print_note(f"{cache_dir()}: nothing is cached")
        return
    _print_entries(entries)


@app.command(epilog=SIZE_EXAMPLES)
def size(json: options.Json = False, debug: options.Debug = False) -> None:
    """Print the size of the cache's kernels and datasets."""
    from mnistlab.python.commands.cache import DATASET, KERNELS, cache_entries
    from mnistlab.support.paths import cache_dir
    from mnistlab.support.text_format import human_bytes
    from mnistlab.terminal.output import print_json, print_line

    sums = {KERNELS: 0, DATASET: 0}
    for entry in cache_entries():
        sums[entry.kind] += entry.bytes
    whole = sum(sums.values())
    if json:
        print_json({"cache": cache_dir(), "bytes": whole, **sums})
        return
    print_line(
        f"{human_bytes(whole)}: kernels {human_bytes(sums[KERNELS])}, "
        f"datasets {human_bytes(sums[DATASET])}"
    )


@app.command(epilog=PRUNE_EXAMPLES)
def prune(
    everything: Annotated[bool, typer.Option("--all", help="Also what is needed.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove it; without this, it is only listed.")
    ] = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Remove what is not needed from the cache.

    This is kernels of other versions, and datasets that were not read for 30 days.

    Without --yes, nothing is removed. What a process uses is never removed. What is removed is
    compiled or decoded again when it is needed.
    """
    from mnistlab.python.commands.cache import prune_cache
    from mnistlab.support.text_format import counted, human_bytes
    from mnistlab.terminal.output import print_json, print_note

    pruned = prune_cache(everything=everything, dry_run=not yes)
    if json:
        left = [{"path": path, "why": why} for path, why in pruned.left.items()]
        entries = {"removed": [entry.path for entry in pruned.removed], "bytes": pruned.bytes}
        print_json({**entries, "left": left, "dry_run": not yes})
        return
    for path, why in pruned.left.items():
        print_note(f"{path}: is left: {why}")
    if pruned.removed and not yes:
        _print_entries(pruned.removed)
    told = f"{counted(len(pruned.removed), 'folder')}, {human_bytes(pruned.bytes)}"
    if not pruned.removed:
        print_note("nothing to remove")
    elif yes:
        print_note(f"removed {told}")
    else:
        print_note(f"would remove {told}; --yes removes it")


def _print_entries(entries: "Sequence[CacheEntry]") -> None:
    from mnistlab.support.text_format import human_bytes
    from mnistlab.terminal.output import print_table

    rows = [["folder", "kind", "size", "last used", "needed", "contents"]]
    for entry in entries:
        used, needed = entry.used.strftime("%Y-%m-%d"), "yes" if entry.needed else "no"
        size = human_bytes(entry.bytes)
        # The versions of libraries, for which kernels were compiled, too, are in --json alone.
        contents = entry.about.partition(",")[0]
        rows.append([entry.path.name, entry.kind, size, used, needed, contents])
    whole = sum(entry.bytes for entry in entries)
    if len(entries) > 1:
        rows.append(["together", "", human_bytes(whole), "", "", ""])
    print_table(rows, right=(2,), elsewhere="--json has all")
