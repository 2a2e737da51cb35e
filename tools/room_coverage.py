"""A plugin of pytest: the lines of each room of plain Python that the room's own tests reach.

    PYTEST_ADDOPTS="-p tools.room_coverage" pytest && coverage combine && coverage report

The tests run once. Only those of the rooms that [tool.coverage.run] names are watched, because a
watched test takes 40 % longer. A module is imported once, by whichever file asks first; so imports
are watched from the first conftest.py on, until all modules of the rooms are there.
"""

import importlib
import pkgutil
import sys
from collections.abc import Generator

import pytest
from coverage import Coverage

watched = Coverage(data_suffix=True)  # each process of pytest-xdist writes a file of its own
rooms: list[str] = watched.get_option("run:source_pkgs")  # type: ignore[assignment]
OTHER_SYSTEM = "mnistlab.support.platform." + ("posix" if sys.platform == "win32" else "windows")

watched.start()


def pytest_configure() -> None:
    for room in rooms:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            if module.name != OTHER_SYSTEM:
                importlib.import_module(module.name)
    watched.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Watch the test if it is one of a room's own."""
    folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
    if f"mnistlab.{folder}" not in rooms:
        return (yield)
    watched.start()
    try:
        return (yield)
    finally:
        watched.stop()


def pytest_unconfigure() -> None:
    watched.save()
