"""The provenance of a run: versions, source, processor."""

import os
import platform
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import mnistlab
from mnistlab.store.run_record import GitState
from mnistlab.support.host import available_cpus, library_versions
from mnistlab.support.platform import system

GIT_TIMEOUT_SECONDS = 2.0
PACKAGE_DIR = Path(mnistlab.__file__).parent


def collect(threads: int, argv: Sequence[str]) -> dict[str, Any]:
    """run.json's facts about programs and machine; null if unknown."""
    # Imported here, because listing runs imports this file and needs no compiler.
    from mnistlab.runtime.arithmetic import arithmetic

    return {
        "argv": list(argv),
        "mnistlab": mnistlab.__version__,
        "versions": library_versions(),
        "git": _own_git_state(),
        "platform": platform.platform(),
        "processor": system.processor_name(),
        "cpus": available_cpus(),
        "threads": threads,
        "arithmetic": arithmetic(),
    }


@cache
def _own_git_state() -> GitState:
    """Queried once: a process that trains many runs uses the code that it has loaded."""
    return git_state(PACKAGE_DIR)


def git_state(package_dir: Path) -> GitState:
    """The commit of the repository that tracks the package, and whether the package has changes.

    Both are None if no repository tracks it; a repository that merely contains it does not count.
    """
    unknown = GitState(commit=None, dirty=None)
    if not _git(package_dir, "ls-files", "--", "__init__.py"):
        return unknown
    status = _git(package_dir, "status", "--porcelain=v2", "--branch", "--", ".")
    if status is None:
        return unknown
    lines = status.splitlines()
    heads = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    commit = heads[0] if heads and heads[0] != "(initial)" else None
    return GitState(commit, dirty=any(not line.startswith("#") for line in lines))


def _git(folder: Path, *arguments: str) -> str | None:
    """The output of git, or None if there is no git, no repository, or no answer in time."""
    # Git hooks set these variables to their own repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            env=environment,
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_TIMEOUT_SECONDS,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
