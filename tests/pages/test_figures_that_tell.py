"""Figures on a page tell their values where they are pointed at; a cell opens its images."""

import csv
import json

import numpy as np
import pytest

from mnistlab.store.predictions import read_predictions
from tools import chromium

pytestmark = pytest.mark.skipif(
    chromium.EXECUTABLE is None, reason="no Chromium is installed to open the page with"
)
SVG = "document.querySelector('#confusion_matrix svg')"
BOX = "JSON.stringify({}.getBoundingClientRect())"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    page = chromium.Page(tmp_path_factory.mktemp("profile"))
    page.look(width=1280)
    yield page
    page.close()


def area(figure, number):
    return f"document.querySelectorAll('#{figure} .areas rect')[{number}]"


def cell(true, predicted):
    return f"document.querySelector('[data-cell=\"{true},{predicted}\"]')"


def middle_of(browser, element):
    browser.value(f"{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    box = json.loads(browser.value(BOX.format(element)))
    return {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}


def told(browser, element):
    """What the page tells where an element is pointed at."""
    place = middle_of(browser, element)
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", **place)
    assert browser.value("document.querySelector('.said').hidden") is False
    return browser.value("document.querySelector('.said').textContent").split("\n")


def test_the_curves_tell_the_values_of_an_epoch(browser, run_dir):
    browser.open(run_dir / "report.html")
    with (run_dir / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    loss = told(browser, area("learning_curves", 1))
    assert loss[0] == f"epoch 2, step {rows[1]['step']}"
    assert f"training loss {float(rows[1]['train_loss']):#.4g}" in loss
    assert f"validation loss {float(rows[1]['val_loss']):#.4g}" in loss
    accuracy = told(browser, area("learning_curves", 5))
    assert f"validation accuracy {100 * float(rows[2]['val_accuracy']):.2f} %" in accuracy
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    assert browser.value("document.querySelector('.said').hidden") is True


def test_the_areas_of_the_confusion_matrix_lie_on_its_cells(browser, run_dir):
    browser.open(run_dir / "report.html")
    picture = json.loads(browser.value(BOX.format(f"{SVG}.querySelector('image')")))
    cells = "[...document.querySelectorAll('[data-cell]')]"
    boxes = f"{cells}.map((one) => [one.dataset.cell, one.getBoundingClientRect()])"
    found = json.loads(browser.value(f"JSON.stringify({boxes})"))
    assert len(found) > 15
    width, height = picture["width"] / 10, picture["height"] / 10
    for name, box in found:
        true, said = map(int, name.split(","))
        assert box["left"] == pytest.approx(picture["left"] + width * said, abs=1.5)
        assert box["right"] == pytest.approx(picture["left"] + width * (said + 1), abs=1.5)
        assert box["top"] == pytest.approx(picture["top"] + height * true, abs=1.5)
        assert box["bottom"] == pytest.approx(picture["top"] + height * (true + 1), abs=1.5)


def test_a_cell_of_the_confusion_matrix_tells_its_count_and_opens_its_images(browser, run_dir):
    browser.open(run_dir / "report.html")
    found = read_predictions(run_dir / "predictions.csv")
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (found.labels, found.predicted), 1)
    np.fill_diagonal(counts, 0)
    true, said = np.unravel_index(np.argmax(counts), counts.shape)
    share = 100 * counts[true, said] / (found.labels == true).sum()
    lines = told(browser, cell(true, said))
    assert lines == [
        f"true {true}, predicted {said}",
        f"{counts[true, said]} images, {share:.2f} % of the row",
    ]
    browser.until("Boolean(document.getElementById('try-it-section').tryIt)")
    place = middle_of(browser, cell(true, said))
    for kind in ("mousePressed", "mouseReleased"):
        browser.send(
            "Input.dispatchMouseEvent", type=kind, **place, button="left", buttons=1, clickCount=1
        )
    words = browser.value("document.querySelector('.try-cell p').textContent")
    shown = int(words.split(": ")[1].split()[0])
    assert words == f"Labelled {true}, predicted {said}: {shown} on this page"
    assert 3 <= shown <= counts[true, said]
    buttons = "[...document.querySelectorAll('.try-cell button')].map((one) => one.title)"
    titles = browser.value(buttons)
    assert len(titles) == shown
    numbers = [int(title.split(",")[0].removeprefix("test image ")) for title in titles]
    assert set(found.labels[numbers]) == {true}
    assert set(found.predicted[numbers]) == {said}
    browser.value("document.querySelector('.try-cell button').click()")
    picked = browser.value("document.getElementById('try-it-section').tryIt.active.picture.number")
    assert picked == numbers[0]
    assert browser.complaints == []
