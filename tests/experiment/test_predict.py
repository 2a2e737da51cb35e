"""A run's network predicts pictures: which are prepared, used raw, or refused."""

import numpy as np
import pytest
from picture_helpers import photograph, random_page
from PIL import Image

from mnistlab.config import run_config_from_mapping
from mnistlab.experiment.model import load_model
from mnistlab.experiment.predict import predict
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.predict import predict as predict_command
from mnistlab.python.commands.train import train as train_command
from mnistlab.python.run import Run
from mnistlab.support.errors import UsageError
from tools.short_runs import train


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return train(tmp_path_factory.mktemp("predict")).run_dir


@pytest.fixture(scope="module")
def model(run_dir):
    return load_model(run_dir)


def test_raw_images_are_given_to_the_network_as_they_are(model, tmp_path):
    images, _ = model.split("test").gather()
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for path, image in zip(paths, images, strict=False):
        Image.fromarray(image).save(path)
    answers = predict(model, paths, raw=True)
    np.testing.assert_array_equal([said.seen for said in answers.predictions], images[:5])
    outputs = model.outputs(images[:5])
    np.testing.assert_array_equal([said.outputs for said in answers.predictions], outputs)
    assert [said.predicted for said in answers.predictions] == outputs.argmax(axis=1).tolist()
    assert [said.image for said in answers.predictions] == paths


def test_a_file_that_is_no_picture_leaves_the_others_as_they_are(model, tmp_path):
    Image.fromarray(random_page(3, seed=1)).save(tmp_path / "good.png")
    Image.new("L", (100, 100)).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no")
    names = ["blank.png", "good.png", "text.png", "gone.png"]
    answers = predict(model, [tmp_path / name for name in names])
    assert [said.image.name for said in answers.predictions] == ["good.png"]
    assert [one.image.name for one in answers.unread] == ["blank.png", "text.png", "gone.png"]
    assert "no ink" in answers.unread[0].why


def test_nothing_but_bad_files_is_no_failure_of_the_network(model, tmp_path):
    answers = predict(model, [tmp_path / "gone.png"])
    assert answers.predictions == []
    assert len(answers.unread) == 1


def test_raw_images_of_another_size_are_refused_by_name(model, tmp_path):
    Image.new("L", (27, 28)).save(tmp_path / "narrow.png")
    (unread,) = predict(model, [tmp_path / "narrow.png"], raw=True).unread
    assert unread.why == "expected a raw image of 28 × 28 pixels, found 28 × 27"


def test_a_network_for_other_images_takes_raw_ones_alone(tmp_path):
    rng = np.random.default_rng(0)
    parts = {
        name: rng.integers(0, 3 if name.startswith("y") else 256, shape, np.uint8)
        for name, shape in {
            "x_train": (12, 5, 4),
            "y_train": 12,
            "x_test": (6, 5, 4),
            "y_test": 6,
        }.items()
    }
    parts["y_train"][:3] = [0, 1, 2]
    np.savez(tmp_path / "own.npz", **parts)
    config = run_config_from_mapping(
        {"data": {"source": "npz", "path": str(tmp_path / "own.npz")}, "training": {"epochs": 1}}
    )
    run = train_command(
        config, tmp_path / "runs", RunOptions(data_dir=tmp_path), plots=False
    ).run_dir
    Image.fromarray(parts["x_test"][0]).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match=r"images of 5 × 4 pixels.*--raw"):
        predict_command([run], [tmp_path / "a.png"])
    (said,) = predict_command([run], [tmp_path / "a.png"], raw=True).predictions
    assert said.outputs.shape == (3,)


def written(path, rows, header=""):
    path.write_text(header + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("header", [False, True])
def test_rows_of_a_table_are_images_of_the_dataset(model, tmp_path, labelled, header):
    images, labels = model.split("test").gather()
    rows = [
        [*([label] if labelled else []), *image.ravel()]
        for image, label in zip(images, labels, strict=True)
    ]
    names = [*(["label"] if labelled else []), *(f"pixel{number}" for number in range(784))]
    path = written(tmp_path / "test.csv", rows, ",".join(names) + "\n" if header else "")
    answers = predict(model, [path])
    np.testing.assert_array_equal([said.seen for said in answers.predictions], images)
    assert answers.predictions[2].image == tmp_path / f"test.csv:{3 + header}"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([range(20)], "line 1: expected 784 pixels, with a label before them or not, found 20"),
        ([[0] * 784, [0] * 783], "line 2: expected 784 columns, found 783"),
        ([[0] * 783 + [256]], "line 1, column 784: expected a whole number of 0 to 255"),
        ([], "found an empty one"),
    ],
)
def test_a_table_that_holds_no_images_is_named_with_the_line(model, tmp_path, rows, told):
    (unread,) = predict(model, [written(tmp_path / "test.csv", rows)]).unread
    assert told in unread.why


@pytest.mark.parametrize("names", [["pixel{}", "label"], ["x{}", "target"]])
def test_a_table_with_the_label_last_is_refused_as_its_pixels_would_be_one_place_off(
    model, tmp_path, names
):
    pixel, label = names
    header = ",".join([*(pixel.format(number) for number in range(784)), label]) + "\n"
    (unread,) = predict(model, [written(tmp_path / "test.csv", [[0] * 785], header)]).unread
    assert "line 1: expected the label first" in unread.why


def test_a_table_of_0_and_1_is_told_to_be_nearly_black(model, tmp_path, caplog):
    for white in (255, 1):
        assert caplog.text == ""
        predict(model, [written(tmp_path / "test.csv", [[0] * 700 + [white] * 84])])
    assert "test.csv: the pixels are 0 and 1, but 255 is white" in caplog.text


def test_rows_of_a_table_are_prepared_and_are_not_saved(run_dir, tmp_path):
    small = train(tmp_path, {"data": {"resize": 14, "invert": True}}).run_dir
    path = written(tmp_path / "test.csv", [range(256)])
    (said,) = predict(load_model(small), [path]).predictions
    preparation = load_model(small).config.data.preparation
    expected = preparation(np.arange(256, dtype=np.uint8).reshape(1, 16, 16))
    np.testing.assert_array_equal(said.seen, expected[0])
    with pytest.raises(UsageError, match=r"test\.csv: the rows of a table cannot be saved"):
        predict_command([run_dir], [path], save=tmp_path / "seen")


def test_pictures_are_prepared_as_the_images_of_the_run_were(tmp_path):
    data = {"transpose": True, "invert": True, "deskew": True, "resize": 14, "permute_pixels": 3}
    run_dir = train(tmp_path, {"data": data}).run_dir
    model, plain = load_model(run_dir), load_model(train(tmp_path / "plain").run_dir)
    assert model.image_shape == (14, 14)
    own, sources = (one.split("test").gather()[0][:3] for one in (model, plain))
    preparation = model.config.data.preparation
    np.testing.assert_array_equal(own, preparation(sources))
    # A raw image is one of the source's.
    Image.fromarray(sources[1]).save(tmp_path / "raw.png")
    (said,) = predict(model, [tmp_path / "raw.png"], raw=True).predictions
    np.testing.assert_array_equal(said.seen, own[1])
    np.testing.assert_array_equal(said.outputs, model.outputs(own[1:2])[0])
    np.testing.assert_array_equal(Run(run_dir).predict_proba(sources[1]), model.outputs(own[1:2]))
    # A picture is upright, and light on dark already.
    Image.fromarray(random_page(7, seed=1)).save(tmp_path / "page.png")
    (as_mnist,) = predict(plain, [tmp_path / "page.png"]).predictions
    (said,) = predict(model, [tmp_path / "page.png"]).predictions
    np.testing.assert_array_equal(said.seen, preparation.of_pictures(as_mnist.seen[None])[0])


def test_input_images_are_saved_beside_figures_with_their_own_names(run_dir, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(random_page(7, seed=ord(folder))).save(tmp_path / folder / "seven.png")
    pictures = [tmp_path / "a" / "seven.png", tmp_path / "b" / "seven.png"]
    answers = predict_command([run_dir], pictures, save=tmp_path / "seen")
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == [
        "seven-2-prediction.png",
        "seven-2.png",
        "seven-prediction.png",
        "seven.png",
    ]
    for said in answers.predictions:
        with Image.open(answers.saved[said.image][0]) as seen:
            np.testing.assert_array_equal(np.asarray(seen), said.seen)
        with Image.open(answers.saved[said.image][1]) as figure:
            assert figure.width > 1000


def test_a_folder_that_can_not_be_made_is_named(run_dir, tmp_path):
    Image.fromarray(random_page(7, seed=1)).save(tmp_path / "seven.png")
    with pytest.raises(UsageError, match=r"seven\.png: nothing can be saved here"):
        predict_command([run_dir], [tmp_path / "seven.png"], save=tmp_path / "seven.png")


@pytest.mark.mnist
def test_rendered_and_photographed_digits_are_read_by_a_network_of_real_mnist(
    mnist_data_dir, tmp_path
):
    """An MLP trained for one epoch on a third of MNIST classifies 19 of 20 test images; of these,
    most.
    """
    config = run_config_from_mapping(
        {
            "data": {"source": "mnist", "train_limit": 20_000},
            "model": {"hidden": [256]},
            "training": {"epochs": 2, "test": "never"},
        }
    )
    run = train_command(config, tmp_path, RunOptions(data_dir=mnist_data_dir), plots=False).run_dir
    pictures, digits = [], []
    for number in range(30):
        page = random_page(number % 10, seed=number)
        image = photograph(page) if number >= 20 else page
        pictures.append(tmp_path / f"{number}.jpg")
        Image.fromarray(image).save(pictures[-1], quality=90)
        digits.append(number % 10)
    answers = predict_command([run], pictures)
    assert answers.unread == []
    right = [
        said.predicted == digit for said, digit in zip(answers.predictions, digits, strict=True)
    ]
    assert sum(right) >= 24
