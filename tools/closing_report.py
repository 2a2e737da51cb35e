"""Prints the results of rounds of kills, faults or damage."""

from collections.abc import Mapping, Sequence


def print_report(text: str, faults: Sequence[str]) -> bool:
    """Print the counts of rounds, and each fault below them; returns whether there is a fault."""
    print(text, flush=True)
    for fault in faults:
        print("  ", fault)
    return bool(faults)


def counted(counts: Mapping[str, int]) -> str:
    """`3 killed, 2 failed`: the count of each kind."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
