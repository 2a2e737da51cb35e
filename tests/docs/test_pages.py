"""What the pages show works: commands, links, figures, modules."""

import importlib.util
import re
import shlex

import pytest
from docs_helpers import DOCS, REPOSITORY, blocks, without_blocks
from typer.models import OptionInfo

from docs.commands_reference import commands, option_names, parameters
from docs.markdown import anchor
from mnistlab.config import load_run_config
from mnistlab.config.load_sweep import load_sweep
from mnistlab.support.errors import ConfigError

PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]
KNOWN = {tuple(command.name.split()[1:]): command.function for command in commands()}
MOST_BYTES = 150_000
EVERYWHERE = {"--help", "--version", "--install-completion", "--show-completion"}


def typed(language="bash"):
    """Every command of mnistlab's that a page has in blocks of a language, with the page."""
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), language):
            for line in block.replace("\\\n", " ").splitlines():
                line = line.removeprefix("$ ").strip()
                if line.startswith("mnistlab "):
                    yield pytest.param(page, line, id=f"{page.name}: {line}")


def words_of(line):
    words = shlex.split(line, comments=True)[1:]
    for sign in ("|", ">", "&&"):
        words = words[: words.index(sign)] if sign in words else words
    return words


@pytest.mark.parametrize(("page", "line"), [*typed(), *typed("console")])
def test_a_command_is_one_that_there_is_with_these_options(page, line):
    words = words_of(line)
    if words[0] in EVERYWHERE:
        return
    name = tuple(words[:2]) if tuple(words[:2]) in KNOWN else tuple(words[:1])
    assert name in KNOWN
    known = {
        option
        for parameter, _, info in parameters(KNOWN[name])
        if isinstance(info, OptionInfo)
        for option in option_names(parameter, info)
    }
    # `-old` of `mnistlab tag` is a tag to remove.
    options = {
        word.split("=")[0]
        for word in words
        if word.startswith("--") or (word.startswith("-") and len(word) == 2)
    }
    assert options <= known | EVERYWHERE


@pytest.mark.parametrize(("page", "line"), list(typed()))
def test_a_command_s_configuration_is_accepted(page, line):
    command, *words = words_of(line)
    # The reader's own files and activations are not available here.
    if command not in ("train", "check", "sweep") or page.name.startswith("add-"):
        return
    path = REPOSITORY / words[0]
    if not path.exists():
        return
    values = [word for word in words[1:] if "=" in word and not word.startswith("-")]
    if command == "sweep":
        assert load_sweep(path, values).config.name
    else:
        assert load_run_config(path, values).name


def mistakes():
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), "console"):
            command, *shown = block.splitlines()
            if shown and shown[0].startswith("command line: "):
                yield pytest.param(command, shown, id=f"{page.name}: {command}")


@pytest.mark.parametrize(("command", "shown"), list(mistakes()))
def test_a_mistake_gives_the_message_on_the_page(command, shown):
    _, path, *values = words_of(command.removeprefix("$ "))
    with pytest.raises(ConfigError) as caught:
        load_run_config(REPOSITORY / path, values)
    assert list(caught.value.messages) == shown


def anchors(page):
    """GitHub's anchors of a page's headings."""
    headings = re.findall(
        r"^#+ (.+)$", without_blocks(page.read_text(encoding="utf-8")), re.MULTILINE
    )
    return {anchor(heading) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = without_blocks(page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        path, _, section = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if section:
            assert section in anchors(linked), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_figure_has_an_alternative_text_and_is_small(page):
    for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        assert len(words) > 20, f"{target}: say what there is to see"
        if not target.startswith("http"):
            assert (page.parent / target).stat().st_size < MOST_BYTES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_is_to_be_run_is_there(page):
    for name in re.findall(r"python -m ([a-z0-9_.]+)", page.read_text(encoding="utf-8")):
        assert importlib.util.find_spec(name) is not None, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page):
    for path in re.findall(r"`(tests/[\w/.]+)`", page.read_text(encoding="utf-8")):
        assert (REPOSITORY / path).exists(), path
