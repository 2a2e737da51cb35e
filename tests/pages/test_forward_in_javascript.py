"""The forward pass in JavaScript is that of the engine, and a drawing is prepared as in Python.

Run by Node, without a browser.
"""

import json
import shutil
import subprocess
from importlib.resources import files

import numpy as np
import pytest
from export_helpers import ACTIVATIONS, MODELS, random_images, random_model
from PIL import Image, ImageDraw

from mnistlab.blocks.activations import ACTIVATIONS as ACTIVATION_BLOCKS
from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.javascript import forward_in_javascript
from mnistlab.blocks.layers import LAYERS
from mnistlab.data.preparation import deskewed, resized
from mnistlab.pages.try_it import network_facts, script_of
from mnistlab.pages.try_it_values import KINDS, PackedValues, rounded
from mnistlab.photo.prepare import prepare
from mnistlab.support.errors import LackingError

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no Node.js is installed to run JavaScript")
ANSWER = """
const { facts, arrays, images } = JSON.parse(require("fs").readFileSync(0, "utf8"));
unpacked(arrays).then((buffer) => {
  const network = new Network(facts, buffer), memory = network.memory();
  const said = images.map((pixels) => {
    network.enter(pixels, memory);
    network.run(memory);
    return Array.from(memory.at(-1));
  });
  console.log(JSON.stringify(said));
});
"""
PREPARE = """
const drawings = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(drawings.map((drawing) => {
  const made = preparedAsMnist(Uint8Array.from(drawing), 224);
  const sizes = [deskewed(made, 28, 28), resizedByArea(made, 28, 28, 20, 33)];
  return [made, ...sizes].map((image) => Array.from(image));
})));
"""
NETWORKS = {
    **MODELS,
    **{
        f"hidden {name}": {"type": "mlp", "hidden": [8], "activation": activation}
        for name, activation in ACTIVATIONS.items()
    },
    "output sigmoid": {"type": "softmax", "output_activation": "sigmoid"},
}


def in_node(script, value):
    done = subprocess.run(
        [NODE, "-e", script],
        input=json.dumps(value),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answers(model, images, kind="float32"):
    values = PackedValues()
    facts = network_facts(model, kind, values)
    flat = [image.ravel().tolist() for image in images]
    given = {"facts": facts, "arrays": values.text, "images": flat}
    return np.array(in_node(script_of(model) + ANSWER, given))


@needs_node
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_page_s_network_says_what_the_engine_says(tmp_path, network):
    model, images = random_model(tmp_path, network), random_images(7)
    np.testing.assert_allclose(answers(model, images), model.outputs(images), rtol=2e-5, atol=2e-5)


@needs_node
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_rounded_weights_are_those_whose_accuracy_is_measured(tmp_path, name, kind):
    model, images = random_model(tmp_path, MODELS[name]), random_images(7)
    said = answers(model, images, kind)
    exact = model.outputs(images)
    for tensor in model.tensors.values():
        tensor[...] = rounded(tensor, kind)
    np.testing.assert_allclose(said, model.outputs(images), rtol=2e-5, atol=2e-5)
    assert (np.abs(said - exact).max() > 1e-5) == (kind != "float32")


@needs_node
def test_a_drawing_is_prepared_as_a_picture_of_it():
    drawings = [drawn(seed) for seed in range(12)]
    found = in_node(scripts() + PREPARE, [drawing.ravel().tolist() for drawing in drawings])
    for drawing, (made, upright, small) in zip(drawings, found, strict=True):
        image = np.array(made, np.uint8).reshape(1, 28, 28)
        expected = prepare(np.repeat(255 - drawing[..., None], 3, axis=2))
        assert np.abs(image[0].astype(int) - expected).max() <= 1
        np.testing.assert_array_equal(np.array(upright), deskewed(image).ravel())
        np.testing.assert_array_equal(np.array(small), resized(image, 20, 33).ravel())


def scripts():
    return "".join(
        files("mnistlab").joinpath(path).read_text("utf-8")
        for path in ("data/preparation.js", "photo/ink.js", "photo/prepare.js")
    )


def drawn(seed):
    """Some strokes with round ends, thin or thick, uint8 (224, 224), 255 for ink."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (896, 896), 0)
    pen = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 4)):
        points = [
            tuple(point) for point in rng.integers(150, 740, (rng.integers(2, 6), 2)).tolist()
        ]
        width = int(rng.integers(20, 110))
        pen.line(points, fill=255, width=width, joint="curve")
        for x, y in points:
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)
    return np.asarray(image.resize((224, 224), Image.Resampling.BOX))


def test_every_layer_and_activation_has_its_function_in_a_file_beside_it():
    blocks = {**LAYERS.blocks, **ACTIVATION_BLOCKS.blocks}
    for name in ("activation", "flatten"):  # of an activation's own file; no function of values
        del blocks[name]
    assert len(blocks) >= 18
    for name, block in blocks.items():
        assert f"function {name}(x, y" in forward_in_javascript(block.model_construct())


def test_a_block_without_a_function_is_named():
    class Swish(ActivationBlock):
        type: str = "swish"

    with pytest.raises(LackingError, match="swish has no forward pass in JavaScript"):
        forward_in_javascript(Swish())
