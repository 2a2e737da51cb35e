"""How much memory is still available, found without allocating any.

The minimum of a machine's free memory, the limits of this process's control groups (of a container,
a cluster's job or systemd), and the process's own limit of address space.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mnistlab.support.platform import system
from mnistlab.support.platform.kernel_files import number_after, number_in, text_of
from mnistlab.support.text_format import human_bytes

ROOT = Path("/")
# The names of a group's limit, use and file cache in control groups of either version. The system
# frees the cache before it ends a process.
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
VERSION_2 = ("memory.max", "memory.current", "")


@dataclass(frozen=True)
class AvailableMemory:
    """Available bytes, and the name of what limits them."""

    bytes: int
    bound: str


def available_to_all(root: Path = ROOT) -> AvailableMemory | None:
    """What this process and its children can use together; None if unknown.

    `root` has the system's `proc`, and the mounts that its mountinfo names.
    """
    return min((*_host(root), *_control_groups(root)), key=lambda one: one.bytes, default=None)


def available_to_process(root: Path = ROOT) -> AvailableMemory | None:
    """What this process alone can use; None if unknown."""
    limits = (available_to_all(root), *_address_space(root))
    return min(
        (available for available in limits if available), key=lambda one: one.bytes, default=None
    )


def lacking(count: int, available: AvailableMemory | None) -> str | None:
    """If `count` is more than `available`: both as text, to complete "takes"; else None."""
    if available is None or count <= available.bytes:
        return None
    return f"{human_bytes(count)} of memory, and {human_bytes(available.bytes)} {available.bound}"


def _host(root: Path) -> Iterator[AvailableMemory]:
    free = system.free_memory(root)
    if free is not None:
        yield AvailableMemory(free, "are free on this machine")


def _address_space(root: Path) -> Iterator[AvailableMemory]:
    limit = system.address_space_limit()
    used = number_after(root / "proc/self/status", "VmSize:")
    if limit is not None and used is not None:
        left = max(0, limit - used * 1024)
        yield AvailableMemory(
            left, f"are left of this process's limit of {human_bytes(limit)} (ulimit -v)"
        )


def _control_groups(root: Path) -> Iterator[AvailableMemory]:
    """The memory left in each limited group, from this process's own to the outermost visible."""
    for folder, mount, (limit_name, used_name, prefix) in _groups(root):
        while folder.is_relative_to(mount):
            limit, used = number_in(folder / limit_name), number_in(folder / used_name)
            # Without a limit, version 1 has a number beyond any memory, version 2 "max".
            if limit is not None and used is not None and limit < 1 << 60:
                cached = sum(
                    number_after(folder / "memory.stat", f"{prefix}{kind}_file") or 0
                    for kind in ("inactive", "active")
                )
                name = "/" + str(folder.relative_to(mount)).removeprefix(".")
                bound = f"are left of the {human_bytes(limit)} of the control group {name}"
                yield AvailableMemory(max(0, limit - used + cached), bound)
            folder = folder.parent


def _groups(root: Path) -> Iterator[tuple[Path, Path, tuple[str, str, str]]]:
    """For each version: this process's group, its hierarchy's mount, and the names of its files."""
    inside: dict[str, str] = {}
    for line in text_of(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            inside["cgroup2"] = path
        elif "memory" in controllers.split(","):
            inside["cgroup"] = path
    for line in text_of(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        begin, mount = before.split()[3:5]
        kind, _, options = after.split()[:3]
        of_memory = kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(","))
        if not of_memory or kind not in inside:
            continue
        # In a container the mount may begin at the container's own group.
        own = Path(inside[kind])
        below = own.relative_to(begin) if own.is_relative_to(begin) else Path()
        folder = root / mount.lstrip("/")
        yield folder / below, folder, VERSION_2 if kind == "cgroup2" else VERSION_1
