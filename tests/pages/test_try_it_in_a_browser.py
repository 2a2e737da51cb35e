"""Drawing on a run's page: the network there answers as `predict` does, and so do its tools."""

import json

import numpy as np
import pytest
from report_helpers import trained
from try_it_browser import OUTPUTS, SECTION, SETTLED, TRY, Browser

from mnistlab.experiment.model import load_model
from mnistlab.photo.prepare import prepare
from tools import chromium

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        chromium.EXECUTABLE is None, reason="no Chromium is installed to open the page with"
    ),
]
DATA = {"source": "digits", "train_limit": 400}
EVERY_LAYER = [
    {"pad": {"size": 1, "value": 0.1}},
    {"conv": {"filters": 5, "kernel": 3, "padding": "same", "bias": "per_position"}},
    {"batch_norm": {}},
    {"activation": "relu"},
    {"pool": {"type": "average", "size": 3, "stride": 2}},
    {
        "conv": {
            **{"filters": 3, "kernel": 2, "stride": 2, "padding": 1},
            "connections": [[0, 1], [2, 3], [4, 0]],
        }
    },
    {"activation": {"type": "leaky_relu", "alpha": 0.1}},
    {"pool": {"type": "max", "size": 2, "stride": 1}},
    {"dropout": 0.2},
    "flatten",
    {"dense": {"units": 12}},
    {"activation": "gelu"},
]
MODELS = {
    "softmax": {"type": "softmax"},
    "mlp": {"type": "mlp", "hidden": [30, 20], "batch_norm": True, "input_dropout": 0.1},
    "cnn": {"type": "cnn", "layers": EVERY_LAYER},
}
PREPARED = {"deskew": True, "resize": [20, 24], "permute_pixels": 3, "normalize": "standardize"}
# The outputs for some images: a part at a time, as a busy machine takes long for all.
SOME = 30
SOME_OUTPUTS = f"""(async () => {{
  const found = [];
  for (const picture of {TRY}.pictures.slice(FIRST, FIRST + {SOME})) {{
    {TRY}.active.pick(picture);
    await {SETTLED};
    found.push({OUTPUTS});
  }}
  return JSON.stringify(found);
}})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    page = Browser(tmp_path_factory.mktemp("profile"))
    page.look(width=1280)
    yield page
    page.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("try-it"), {}

    def run(name):
        if name not in found:
            data = DATA | (PREPARED if name == "mlp" else {})
            found[name] = trained(
                folder,
                **{"name": name, "data": data, "model": MODELS[name], "reference": None},
                training={"epochs": 4, "snapshots": 2},
            )
        return found[name]

    return run


@pytest.mark.parametrize(
    "name",
    ["cnn", *(pytest.param(one, marks=pytest.mark.slow) for one in MODELS if one != "cnn")],
)
def test_the_page_says_of_300_test_images_what_predict_says(browser, runs, name):
    folder = runs(name)
    browser.opened(folder)
    assert browser.complaints == []
    assert [url for url in browser.requests if not url.startswith("data:")] == [
        (folder / "report.html").as_uri()
    ]
    model = load_model(folder)
    numbers = browser.value(f"{TRY}.pictures.map((picture) => picture.number)")
    assert len(set(numbers)) == 300
    said = []
    for first in range(0, 300, SOME):
        said += json.loads(browser.value(SOME_OUTPUTS.replace("FIRST", str(first))))
    images = model.dataset.test.images[model.dataset.test.indices[numbers]]
    np.testing.assert_allclose(said, model.outputs(images), atol=1e-4)
    assert browser.complaints == []


def test_a_drawing_is_prepared_and_answered_as_predict_does(browser, runs):
    folder = runs("softmax")
    browser.opened(folder)
    browser.use(browser.part("clear"))
    browser.draw([(0.3, 0.25), (0.7, 0.25), (0.68, 0.3), (0.55, 0.55), (0.45, 0.85)])
    paper = browser.bytes_of(f"{TRY}.active.ink.bytes").reshape(224, 224)
    assert 1500 < (paper > 128).sum() < 10000
    seen = browser.bytes_of(f"{TRY}.active.seen").reshape(28, 28)
    expected = prepare(np.repeat(255 - paper[..., None], 3, axis=2))
    assert np.abs(seen.astype(int) - expected).max() <= 1
    outputs = load_model(folder).outputs(seen[None])[0]
    np.testing.assert_allclose(browser.value(OUTPUTS), outputs, atol=1e-4)
    best = int(np.argmax(outputs))
    assert browser.value(f"{browser.part('verdict')}.textContent") == f"It says {best}."


def test_a_finger_draws_on_a_phone_and_does_not_scroll(browser, runs):
    browser.look(width=390, touch=True)
    try:
        browser.opened(runs("softmax"))
        browser.use(browser.part("clear"))
        assert browser.value(f"{browser.part('verdict')}.textContent") == "Draw something."
        places = [browser.place_of(browser.part("paper"), (0.5, y)) for y in (0.2, 0.4, 0.6, 0.8)]
        before = browser.value("scrollY")
        browser.touch(*places)
        browser.value(SETTLED)
        paper = browser.bytes_of(f"{TRY}.active.ink.bytes").reshape(224, 224)
        assert (paper[50:170, 112] == 255).all()
        assert browser.value("scrollY") == before
        assert browser.value("document.documentElement.scrollWidth") <= 390
    finally:
        browser.look(width=1280)


def test_a_unit_that_is_switched_off_is_zero_and_the_answer_changes(browser, runs):
    browser.opened(runs("cnn"))
    before = browser.value(OUTPUTS)
    maps = f"{SECTION}.querySelectorAll('.try-layer canvas')[1]"
    browser.use(maps, (0.1, 0.5))
    assert "map 0" in browser.value(f"{browser.part('inspector')}.textContent")
    browser.use(browser.part("off"))
    stage = f"{TRY}.network.stages[1]"
    values = f"{TRY}.active.memory[{stage}.last + 1].subarray(0, {stage}.height * {stage}.width)"
    assert browser.value(f"{values}.every((value) => value === 0)")
    after = browser.value(OUTPUTS)
    assert np.abs(np.array(after) - before).max() > 1e-6
    browser.use(browser.part("all-on"))
    assert browser.value(OUTPUTS) == before


@pytest.mark.parametrize("name", MODELS)
def test_the_terms_of_every_layer_add_up_to_its_sum(browser, runs, name):
    browser.opened(runs(name))
    for number in range(browser.value(f"{TRY}.network.stages.length")):
        stage = f"{TRY}.network.stages[{number}]"
        browser.value(f"{TRY}.select({stage}, {stage}.units - 1, [0, 0], {TRY}.active)")
    totals = browser.value(f"""(() => {{
        const all = [], page = {TRY}, network = page.network;
        for (const stage of network.stages) {{
            const k = stage.first;
            if (!['dense', 'conv'].includes(stage.kind)) continue;
            for (let unit = 0; unit < stage.units; unit++) {{
                const place = [Math.floor(stage.height / 2), Math.floor(stage.width / 3)];
                const at = (unit * stage.height + place[0]) * stage.width + place[1];
                const said = page.terms(page.active, stage, unit, place).total;
                all.push([said, page.active.memory[k + 1][at]]);
            }}
        }}
        return all;
    }})()""")
    assert len(totals) >= 10
    np.testing.assert_allclose(*np.array(totals).T, atol=1e-4)
    assert browser.complaints == []


def test_erased_pixels_noise_shift_and_rotation_change_what_the_network_sees(browser, runs):
    browser.opened(runs("softmax"))
    seen = f"{TRY}.active.seen"
    before = browser.bytes_of(seen).reshape(28, 28)
    row, column = np.unravel_index(np.argmax(before), before.shape)
    browser.use(browser.part("seen"), ((column + 0.5) / 28, (row + 0.5) / 28))
    erased = browser.bytes_of(seen).reshape(28, 28)
    assert np.argwhere(erased != before).tolist() == [[row, column]]
    assert erased[row, column] == 0
    browser.use(browser.part("reset"))
    for name, value in (("right", 2), ("degrees", 90), ("noise", 0.5)):
        slider = browser.part(name)
        browser.value(f"{slider}.value = {value}; {slider}.dispatchEvent(new Event('input'))")
        browser.value(SETTLED)
        now = browser.bytes_of(seen).reshape(28, 28)
        if name == "right":
            np.testing.assert_array_equal(now[:, 2:], before[:, :-2])
        elif name == "degrees":
            np.testing.assert_array_equal(now, np.roll(np.rot90(before, -1), 2, axis=1))
        else:
            assert (now != before).mean() > 0.4
        if name == "degrees":
            browser.use(browser.part("reset"))
    browser.use(browser.part("reset"))
    np.testing.assert_array_equal(browser.bytes_of(seen).reshape(28, 28), before)


def test_only_a_drawing_is_said_to_be_prepared(browser, runs):
    browser.opened(runs("softmax"))

    def said():
        parts = [browser.part(name) for name in ("of-drawing", "of-picture")]
        return [browser.value(f"{part}.offsetWidth > 0") for part in parts]

    assert said() == [False, True]
    browser.use(browser.part("clear"))
    assert said() == [True, False]


def test_a_second_drawing_has_its_own_answer(browser, runs):
    browser.opened(runs("softmax"))
    browser.use(browser.part("second"))
    browser.value(f"{TRY}.active.pick({TRY}.pictures.at(-1))")
    browser.value(SETTLED)
    first, second = browser.value(OUTPUTS)[:10], browser.value(OUTPUTS)[10:]
    assert len(second) == 10
    assert first != second
    assert browser.value(f"{TRY}.layers.rows[0].mosaics.length") == 2
    browser.use(browser.part("second"))
    assert browser.value(OUTPUTS) == first


def test_the_slider_of_epochs_gives_the_answers_of_the_snapshots(browser, runs):
    folder = runs("mlp")
    browser.opened(folder)
    number = browser.value(f"{TRY}.active.picture.number")
    for place, weights in ((0, "epoch-2"), (1, "epoch-4"), (2, "final")):
        slider = browser.part("epoch")
        browser.value(f"{slider}.value = {place}; {slider}.dispatchEvent(new Event('input'))")
        browser.value(SETTLED)
        model = load_model(folder, weights)
        images = model.dataset.test.images[model.dataset.test.indices[[number]]]
        np.testing.assert_allclose(browser.value(OUTPUTS), model.outputs(images)[0], atol=1e-4)


def test_two_networks_of_a_sweep_answer_one_drawing(browser, sweep_dir):
    browser.opened(sweep_dir)
    other = "document.getElementById('try-it-other')"
    titles = browser.value(
        "[...document.querySelectorAll('.try-pair h3')].map((h) => h.textContent)"
    )
    assert [title.split(": ")[1] for title in titles[::2]] == [
        "optimizer.lr = 0.1",
        "optimizer.lr = 0.001",
    ]
    browser.use(browser.part("clear"))
    browser.draw([(0.5, 0.2), (0.5, 0.8)])
    browser.value(SETTLED.replace("try-it-section", "try-it-other"))
    seen = browser.bytes_of(f"{TRY}.active.seen").reshape(1, 28, 28)
    assert seen.any()
    for trial, section in (("0002", SECTION), ("0000", other)):
        (folder,) = (sweep_dir / "trials").glob(f"{trial}-*")
        said = browser.value(OUTPUTS.replace(SECTION, section))
        np.testing.assert_allclose(said, load_model(folder).outputs(seen)[0], atol=1e-4)
    browser.value(f"{other}.tryIt.thumbnail({other}.tryIt.pictures[3]).click()")
    browser.value(SETTLED)
    browser.value(SETTLED.replace("try-it-section", "try-it-other"))
    same = f"{other}.tryIt.active.seen.every((value, i) => value === {TRY}.active.seen[i])"
    assert browser.value(same)
    assert browser.complaints == []
