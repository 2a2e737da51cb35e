"""How rounds of kills, faults or damage say what they came to."""

from collections.abc import Mapping, Sequence


def print_report(text: str, faults: Sequence[str]) -> bool:
    """Print what rounds came to, and each fault below it; returns whether there is one."""
    print(text, flush=True)
    for fault in faults:
        print("  ", fault)
    return bool(faults)


def counted(counts: Mapping[str, int]) -> str:
    """`3 killed, 2 failed`: how many of each kind."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
