"""The documentation as a site: every page is in its table of contents; it is built without a
warning, and shows all that it should without a network.
"""

import json
import re
import subprocess
import sys

import pytest
from docs_helpers import DOCS, REPOSITORY, text_of

import mnistlab
from tools import chromium


def test_every_page_is_in_the_table_of_contents():
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", text_of("README.md")))
    assert listed == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def test_no_list_follows_a_line_of_text():
    """GitHub begins a list there; Markdown, and so the site, does not."""
    for page in (REPOSITORY / "README.md", *DOCS.glob("*.md")):
        text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        found = re.search(r"^(?![-*] |\d+\. |  |\|)(\S.*)\n(?:[-*] |\d+\. ).*", text, re.MULTILINE)
        assert found is None, f"{page.name}: {found[0]}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for needed in ("latex2mathml", "material", "mkdocs", "mkdocstrings"):
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"]
    built = subprocess.run([*command, str(folder)], cwd=REPOSITORY, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.long
def test_the_site_needs_no_network(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|img|link)\b[^>]*?(?:src|href)=\"?(https?:[^\"> ]+)",
            page.read_text(encoding="utf-8"),
        )
        assert loaded == [], page.name
    assert not re.search(r"url\(.?https?:", (site / "site.css").read_text(encoding="utf-8"))


@pytest.mark.long
def test_the_search_finds_commands_and_keys(site):
    documents = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    places = {document["location"] for document in documents}
    assert {"commands.html#mnistlab-lr-find", "configuration.html#optimizer"} <= places
    assert not any(place.startswith("source/") for place in places)


@pytest.mark.long
def test_every_public_name_has_its_reference(site):
    page = (site / "api.html").read_text(encoding="utf-8")
    for name in mnistlab.__all__:
        assert re.search(rf'<h2 id="mnistlab\.[\w.]+\.{name}"', page), name


@pytest.mark.long
def test_formulas_and_links_to_the_source_are_shown(site):
    maths = (site / "maths.html").read_text(encoding="utf-8")
    text = text_of("maths.md")
    assert maths.count("<math xmlns") > text.count("```math")
    assert "arithmatex" not in maths
    assert "$" not in re.sub(
        r"<[^>]*>", "", maths.partition("<article")[2].partition("</article")[0]
    )
    source = site / "source/mnistlab/blocks/optimizers/sgd.py.html"
    assert f'href="{source.relative_to(site)}"' in maths
    assert "momentum_update" in source.read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.skipif(chromium.EXECUTABLE is None, reason="no chromium is installed")
def test_no_page_is_wider_than_a_phone(site, tmp_path):
    browser = chromium.Page(tmp_path)
    try:
        browser.look(width=390, touch=True)
        wide = {}
        for page in sorted(site.glob("*.html")):
            browser.open(page)
            width = browser.value("document.documentElement.scrollWidth")
            if more := width - browser.value("document.documentElement.clientWidth"):
                wide[page.name] = more
    finally:
        browser.close()
    assert wide == {}
