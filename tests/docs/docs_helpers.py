"""Blocks of code and links in the pages of the documentation."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str, program: str) -> list[list[str]]:
    """The words of the lines to be typed that begin with a program's name, without that name."""
    lines = [shlex.split(line) for block in blocks(text, "bash") for line in block.splitlines()]
    return [words[1:] for words in lines if words[:1] == [program]]


def generated(copy: Path, page: str) -> tuple[dict[str, dict[str, list[str]]], str]:
    """What a page's commands in Python generate in a copy of the sources: the keys that a shell
    completes, and the text of docs/configuration.md.
    """
    ignored = shutil.ignore_patterns("__pycache__", "images")
    shutil.copytree(DOCS, copy / "docs", ignore=ignored, dirs_exist_ok=True)
    for words in commands(page, "python"):
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        subprocess.run([sys.executable, *words], cwd=copy, env=environment, check=True)
    keys = json.loads((copy / "mnistlab/config/key_values.json").read_text(encoding="utf-8"))
    return keys, (copy / "docs/configuration.md").read_text(encoding="utf-8")


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def patched(text: str, diff: str) -> str:
    """`text` with a block's `-` lines replaced by its `+` lines; it has to fit in one place."""
    lines = [line for line in diff.splitlines() if line]
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"not in the file once:\n{before}"
    return text.replace(before, after)
