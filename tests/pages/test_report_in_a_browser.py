"""The pages in a real browser: no requests, no errors, and they fit and sort."""

import pytest

from tools import chromium

pytestmark = pytest.mark.skipif(
    chromium.EXECUTABLE is None, reason="no Chromium is installed to open the page with"
)
CELLS = "[...document.querySelectorAll('#table-1 tbody tr')].map(r => r.cells[{}].dataset.value)"
CLICK = "document.querySelectorAll('#table-1 thead button')[{}].click()"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    page = chromium.Page(tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


@pytest.fixture(params=["run", "sweep"])
def opened(request, browser, run_page, sweep_page):
    path = {"run": run_page, "sweep": sweep_page}[request.param]
    browser.open(path)
    return browser, path


def test_a_page_asks_for_nothing_but_itself_and_complains_of_nothing(opened):
    browser, path = opened
    asked = [url for url in browser.requests if not url.startswith("data:")]
    assert asked == [path.as_uri()]
    assert browser.complaints == []
    figures = "[...document.querySelectorAll('.figure svg')]"
    assert browser.value(f"{figures}.length") >= 3
    assert browser.value(f"{figures}.every(one => one.getBoundingClientRect().width > 300)")
    assert browser.value(f"{figures}.every(one => one.ariaLabel.length > 60)")
    names = "[...document.querySelectorAll('[id]')].map(one => one.id)"
    assert browser.value(f"new Set({names}).size === {names}.length")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_is_no_wider_than_its_window(opened, width):
    browser, _ = opened
    browser.look(width=width)
    root = "document.documentElement"
    assert browser.value("window.innerWidth") == width
    assert browser.value(f"{root}.scrollWidth <= {root}.clientWidth")


def test_the_dark_scheme_has_light_text_on_dark(opened):
    browser, _ = opened
    brightness = "getComputedStyle(document.body).{}.match(/\\d+/g).slice(0, 3).map(Number)"
    shown = {}
    for scheme in ("light", "dark"):
        browser.look(width=1280, scheme=scheme)
        ground = browser.value(brightness.format("backgroundColor"))
        shown[scheme] = sum(ground) - sum(browser.value(brightness.format("color")))
    assert shown["light"] > 450
    assert shown["dark"] < -450


@pytest.mark.parametrize("width", [1280, 390])
def test_the_contents_stay_in_sight(opened, width):
    browser, _ = opened
    browser.look(width=width)
    browser.value("document.documentElement.style.scrollBehavior = 'auto'; scrollTo(0, 1200)")
    assert browser.value("scrollY") > 500
    top = browser.value("document.querySelector('nav').getBoundingClientRect().top")
    assert 0 <= top < 100
    targets = "[...document.querySelectorAll('nav a')].map(a => document.querySelector(a.hash))"
    assert browser.value(f"{targets}.length >= 4 && {targets}.every(Boolean)")


def test_a_figure_wider_than_a_phone_is_scrolled_by_itself_and_says_so(opened):
    browser, _ = opened
    browser.look(width=390)
    figures = "[...document.querySelectorAll('.figure')]"
    assert browser.value(f"{figures}.every(one => one.scrollWidth > one.clientWidth)")
    hints = "[...document.querySelectorAll('.hint')].map(one => one.offsetHeight)"
    assert min(browser.value(hints)) > 0
    browser.look(width=1280)
    assert max(browser.value(hints)) == 0


def test_a_table_wider_than_its_page_says_so_and_no_other_does(opened):
    browser, _ = opened
    tables = (
        "[...document.querySelectorAll('.wide')].filter(one => one.offsetHeight).map(one => "
        "[one.scrollWidth > one.clientWidth, one.previousElementSibling.offsetHeight > 0])"
    )
    browser.value("for (const one of document.querySelectorAll('details')) one.open = true")
    seen = set()
    for width in (390, 1280):
        browser.look(width=width)
        browser.value("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        shown = browser.value(tables)
        assert all(is_cut == is_told for is_cut, is_told in shown)
        seen |= {is_cut for is_cut, _ in shown}
    assert True in seen


def test_the_metric_of_a_ranking_is_on_the_screen_of_a_phone(browser, sweep_page):
    browser.open(sweep_page)
    browser.look(width=390)
    cell = "document.querySelector('#table-1 tbody tr').cells[1].getBoundingClientRect()"
    assert browser.value(f"{cell}.right") <= 390


def test_the_words_of_a_figure_are_the_page_s_own_light_on_dark(opened):
    browser, _ = opened
    browser.look(width=1280, scheme="dark")
    # Words are glyphs that a group scales.
    words = "document.querySelector('.figure svg g[style*=fill][transform*=scale]')"
    fill = browser.value(f"getComputedStyle({words}).fill")
    assert fill == browser.value("getComputedStyle(document.body).color")


def test_a_click_on_a_head_sorts_and_a_second_one_turns_it_round(browser, sweep_page):
    browser.open(sweep_page)
    by_rank = browser.value(CELLS.format(0))
    assert by_rank == ["1", "2", "3", ""]
    rate = 2
    browser.value(CLICK.format(rate))
    assert browser.value(CELLS.format(rate)) == ["0.001", "0.01", "0.1", "1e+38"]
    browser.value(CLICK.format(rate))
    assert browser.value(CELLS.format(rate)) == ["1e+38", "0.1", "0.01", "0.001"]
    heads = "[...document.querySelectorAll('#table-1 thead th')].map(h => h.ariaSort)"
    assert browser.value(heads)[:3] == [None, None, "descending"]
    accuracy = 1
    browser.value(CLICK.format(accuracy))
    found = browser.value(CELLS.format(accuracy))
    assert found[-1] == ""  # the diverged trial has none, and stays last
    assert list(map(float, found[:-1])) == sorted(map(float, found[:-1]))
    browser.value(CLICK.format(accuracy))
    assert browser.value(CELLS.format(accuracy)) == [*reversed(found[:-1]), ""]
