"""The available memory, from system files written by a test."""

import resource

import pytest

from mnistlab.support import memory
from mnistlab.support.memory import AvailableMemory, available_to_all, available_to_process, lacking

GROUP_2 = "0::/{path}\n"
MOUNT_2 = "30 23 0:26 {root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
GROUP_1 = "9:name=systemd:/elsewhere\n4:cpu,memory:/{path}\n0::/\n"
MOUNT_1 = (
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "35 31 0:32 {root} /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,cpu,memory\n"
)
NAMES_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
NAMES_2 = ("memory.max", "memory.current", "")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(text))


@pytest.fixture
def system(tmp_path):
    """A system with 8,000,000 kB memory, 5,000,000 kB free, and no control groups."""
    write(tmp_path / "proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 5000000 kB\n")
    write(tmp_path / "proc/self/status", "VmPeak: 9 kB\nVmSize:   300000 kB\n")
    return tmp_path


def groups(system, path, version=2, root="/"):
    """Put this process in the group `path`, with a mount that shows the hierarchy from
    `root` down.
    """
    group, mount = (GROUP_2, MOUNT_2) if version == 2 else (GROUP_1, MOUNT_1)
    write(system / "proc/self/cgroup", group.format(path=path))
    write(system / "proc/self/mountinfo", mount.format(root=root))


def limit(system, path, most, used, cached=0, version=2):
    folder = system / "sys/fs/cgroup" / ("" if version == 2 else "memory") / path
    limit_name, used_name, prefix = NAMES_2 if version == 2 else NAMES_1
    write(folder / limit_name, f"{most}\n")
    write(folder / used_name, f"{used}\n")
    stat = f"anon 5\n{prefix}inactive_file {cached // 2}\n{prefix}active_file {cached // 2}\n"
    write(folder / "memory.stat", stat)


def test_without_control_groups_it_is_what_the_machine_has_free(system):
    assert available_to_all(system) == AvailableMemory(5_000_000 * 1024, "are free on this machine")


def test_a_system_without_information_has_no_known_limit(tmp_path):
    assert available_to_all(tmp_path) is None
    assert lacking(1 << 60, available_to_all(tmp_path)) is None


@pytest.mark.parametrize("version", [1, 2])
def test_a_control_groups_limit_counts_without_its_file_cache(system, version):
    groups(system, "job", version)
    limit(system, "job", 500_000_000, 300_000_000, cached=100_000_000, version=version)
    available = available_to_all(system)
    assert available.bytes == 300_000_000
    assert "500 MB of the control group /job" in available.bound


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("tightest", ["a", "a/b", "a/b/c"])
def test_of_nested_control_groups_the_tightest_counts(system, version, tightest):
    groups(system, "a/b/c", version)
    for path in ("a", "a/b", "a/b/c"):
        most = 400_000_000 if path == tightest else 3_000_000_000
        limit(system, path, most, 150_000_000, version=version)
    available = available_to_all(system)
    assert available.bytes == 250_000_000
    assert available.bound.endswith(f"control group /{tightest}")


@pytest.mark.parametrize(("version", "none"), [(1, 9223372036854771712), (2, "max")])
def test_a_control_group_without_a_limit_changes_nothing(system, version, none):
    groups(system, "job", version)
    limit(system, "job", none, 300_000_000, version=version)
    assert available_to_all(system).bound == "are free on this machine"


def test_a_container_that_sees_its_own_group_as_the_root_is_bound_by_it(system):
    groups(system, "docker/1234", 1, root="/docker/1234")
    limit(system, "", 200_000_000, 50_000_000, version=1)
    assert available_to_all(system).bytes == 150_000_000


def test_a_mount_that_does_not_show_the_own_group_counts_as_its_root(system):
    groups(system, "../../else/where", root="/")
    limit(system, "", 200_000_000, 50_000_000)
    assert available_to_all(system).bytes == 150_000_000


def test_a_group_that_uses_more_than_its_limit_has_no_memory_left(system):
    groups(system, "job")
    limit(system, "job", 100, 200)
    assert available_to_all(system).bytes == 0


def test_the_limit_of_address_space_counts_for_this_process_alone(system, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1_000_000_000, -1))
    assert available_to_process(system).bytes == 1_000_000_000 - 300_000 * 1024
    assert "ulimit -v" in available_to_process(system).bound
    assert available_to_all(system).bytes == 5_000_000 * 1024


def test_this_systems_available_memory_is_known():
    available = available_to_process()
    if (memory.ROOT / "proc/meminfo").exists():
        assert available.bytes > 0


def test_missing_memory_is_described():
    available = AvailableMemory(100, "are free")
    assert lacking(100, available) is None
    assert lacking(101, available) == "101 bytes of memory, and 100 bytes are free"
