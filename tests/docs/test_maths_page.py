"""docs/maths.md names everything; every function that a page links to exists."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
from docs_helpers import DOCS, text_of, without_blocks

import mnistlab
from mnistlab.config.schema import run_json_schema

PAGE = text_of("maths.md")
LINK = re.compile(r"\[`(\w+)`\]\(\.\./mnistlab/([\w/]+)\.py\)")
LINKED = LINK.findall(PAGE)
ALL_LINKED = {link for page in DOCS.glob("*.md") for link in LINK.findall(text_of(page.name))}
ROOT = Path(mnistlab.__file__).parent
# The files with the plain definitions; tests compare the faster kernels with them.
PLAIN = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix()
    for pattern in (
        "layers/*/maths.py",
        "penalties/maths.py",
        "activations/[a-z]*.py",
        "augmentations/[a-z]*.py",
        "augmentations/_coordinates.py",
        "augmentations/*/maths.py",
        "losses/[a-z]*.py",
        "optimizers/[a-z]*.py",
    )
    for path in (ROOT / "blocks").glob(pattern)
)
# Parts of formulas that have no name in a textbook.
UNNAMED = {"inside", "patch_matrix", "largest"}


def module(path):
    return importlib.import_module(f"mnistlab.{path.replace('/', '.')}")


@pytest.mark.parametrize(("name", "path"), sorted(ALL_LINKED))
def test_every_function_that_is_named_exists(name, path):
    assert hasattr(module(path), name)


@pytest.mark.parametrize("path", PLAIN)
def test_every_function_of_the_plain_kernels_is_named(path):
    source = inspect.getsource(module(path))
    functions = set(re.findall(r"^def ([a-z]\w+)\((?!\s*op: )", source, re.MULTILINE))
    assert functions
    named = {name for name, file in LINKED if file == path}
    missing = functions - named - UNNAMED
    assert not missing


def options():
    """Every type, and every key of a type, of the configuration that concerns the maths."""
    definitions = run_json_schema()["$defs"]
    not_maths = {"DataConfig", "TrainingConfig", "EarlyStopping", "Reference"}
    for title, section in definitions.items():
        if title in not_maths:
            continue
        for key, value in section.get("properties", {}).items():
            if key == "type" and "const" in value:
                yield title, value["const"]
            elif key == "type":
                yield from ((title, choice) for choice in value["enum"])
            else:
                yield title, key
                yield from ((title, choice) for choice in value.get("enum", ()))


@pytest.mark.parametrize(("section", "option"), sorted(set(options())))
def test_every_option_is_explained(section, option):
    code = " ".join(re.findall(r"`([^`\n]+)`", without_blocks(PAGE)))
    # `mode` of an init, `layers` of a penalty: single words in code.
    assert re.search(rf"(?<!\w){option}(?!\w)", code), f"{section}: {option}"


@pytest.mark.parametrize(
    "name", ["maths.md", "statistics.md", "add-activation.md", "tutorial.md", "engine.md"]
)
def test_formulas_are_such_that_github_shows_them(name):
    prose = re.sub(r"`[^`\n]*`", "", without_blocks(text_of(name)))
    for paragraph in prose.split("\n"):
        assert paragraph.count("$") % 2 == 0, paragraph
        for formula in re.findall(r"\$([^$]+)\$", paragraph):
            # Markdown reads a backslash before punctuation as an escape, and eats it.
            assert not re.search(r"\\[^A-Za-z]", formula), formula
            assert not (paragraph.startswith("|") and "|" in formula), formula
            assert formula == formula.strip(), formula
    assert "\\operatorname" not in text_of(name)  # GitHub allows no such macro
