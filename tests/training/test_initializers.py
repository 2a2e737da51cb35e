import math
import pickle
from contextlib import suppress

import numpy as np
import pytest
from engine_helpers import config_of, random_tensors, write_npz
from safetensors.numpy import save_file

from mnistlab.runtime.params import views
from mnistlab.store.checkpoint import save_tensors
from mnistlab.support.errors import UsageError
from mnistlab.training.initializers import initial_params
from mnistlab.training.lower import lower

SIDE, HIDDEN, CLASSES = 20, 300, 10
FAN_IN, FAN_OUT = SIDE * SIDE, HIDDEN
COUNT = FAN_IN * FAN_OUT


def tensors(init, seed=0, hidden=(HIDDEN,), dtype=np.float64, side=SIDE):
    """The initial tensors of an MLP, by name."""
    config = config_of(model={"hidden": list(hidden)}, init=init)
    program = lower(config, (side, side), CLASSES, 1)
    vector = initial_params(config.init, program.tensors, program.sizes.parameters, seed, dtype)
    assert vector.shape == (program.sizes.parameters,)
    assert vector.dtype == dtype
    return views(program.tensors, vector)


def scaling(scale, mode, distribution):
    return {"type": "variance_scaling", "scale": scale, "mode": mode, "distribution": distribution}


# What each rule draws for a (400, 300) weight: (mean, variance, kurtosis of the distribution).
NORMAL, FLAT = 3.0, 1.8
MOMENTS = [
    ({"type": "he_normal"}, 0, 2 / FAN_IN, NORMAL),
    ({"type": "he_uniform"}, 0, 2 / FAN_IN, FLAT),
    ({"type": "glorot_normal"}, 0, 2 / (FAN_IN + FAN_OUT), NORMAL),
    ({"type": "glorot_uniform"}, 0, 2 / (FAN_IN + FAN_OUT), FLAT),
    ({"type": "lecun_normal"}, 0, 1 / FAN_IN, NORMAL),
    (scaling(3.0, "fan_in", "normal"), 0, 3 / FAN_IN, NORMAL),
    (scaling(3.0, "fan_out", "uniform"), 0, 3 / FAN_OUT, FLAT),
    (scaling(3.0, "fan_sum", "normal"), 0, 3 / (FAN_IN + FAN_OUT), NORMAL),
    ({"type": "normal", "std": 0.7}, 0, 0.49, NORMAL),
    ({"type": "uniform", "low": -0.2, "high": 1.0}, 0.4, 1.2**2 / 12, FLAT),
    ({"type": "poisson", "lam": 4.0, "factor": 0.5}, 2.0, 1.0, 3 + 1 / 4),
]


@pytest.mark.parametrize(("init", "mean", "variance", "kurtosis"), MOMENTS, ids=str)
def test_weights_have_the_distribution_s_moments(init, mean, variance, kurtosis):
    W = tensors(init)["dense1.weight"]
    assert W.shape == (FAN_IN, FAN_OUT)
    # Five standard errors of each estimate.
    assert abs(W.mean() - mean) < 5 * math.sqrt(variance / COUNT)
    standard_error = variance * math.sqrt((kurtosis - 1) / COUNT)
    assert abs(W.var() - variance) < 5 * standard_error
    fourth = np.mean((W - mean) ** 4) / variance**2
    assert fourth == pytest.approx(kurtosis, rel=0.05)


@pytest.mark.parametrize(("init", "mean", "variance", "kurtosis"), MOMENTS, ids=str)
def test_rows_and_columns_are_independent_draws(init, mean, variance, kurtosis):
    W = (tensors(init)["dense1.weight"] - mean) / math.sqrt(variance)
    for a, b in ((W[0], W[1]), (W[:, 0], W[:, 1]), (W[:, :-1].ravel(), W[:, 1:].ravel())):
        assert abs((a * b).mean()) < 5 / math.sqrt(a.size)


def test_normals_are_not_truncated():
    W = tensors({"type": "normal", "std": 1.0})["dense1.weight"]
    beyond = (np.abs(W) > 3).mean()
    assert beyond == pytest.approx(0.0027, abs=5 * math.sqrt(0.0027 / COUNT))


@pytest.mark.parametrize("init", ["he_uniform", "glorot_uniform"])
def test_uniforms_fill_their_range_and_do_not_leave_it(init):
    W = tensors({"type": init})["dense1.weight"]
    fan = {"he_uniform": FAN_IN, "glorot_uniform": FAN_IN + FAN_OUT}[init]
    bound = math.sqrt(6 / fan)
    assert 0.999 * bound < W.max() <= bound
    assert -bound <= W.min() < -0.999 * bound


def test_poisson_weights_are_counts_times_the_factor():
    W = tensors({"type": "poisson", "lam": 2.0, "factor": -0.25})["dense1.weight"]
    counts = W / -0.25
    np.testing.assert_array_equal(counts, np.round(counts))
    assert counts.min() == 0
    assert (counts == 0).mean() == pytest.approx(math.exp(-2), abs=0.01)


def test_zeros_are_zeros_and_so_are_biases_by_default():
    for name, tensor in tensors({"type": "zeros"}).items():
        assert (tensor == 0).all(), name
    assert (tensors({"type": "he_normal"})["dense1.bias"] == 0).all()


def test_normal_biases_have_their_standard_deviation():
    bias = tensors({"type": "zeros", "bias": {"type": "normal", "std": 0.3}}, hidden=(20_000,))
    b = bias["dense1.bias"]
    assert b.std() == pytest.approx(0.3, rel=5 / math.sqrt(2 * b.size))
    assert (bias["dense1.weight"] == 0).all()


def test_a_layer_s_own_rule_is_for_that_layer_alone():
    init = {"type": "he_normal", "layers": {"dense2": {"type": "uniform", "low": 5, "high": 6}}}
    own, common = tensors(init), tensors({"type": "he_normal"})
    assert own["dense2.weight"].min() >= 5
    np.testing.assert_array_equal(own["dense1.weight"], common["dense1.weight"])


RANDOM = {"type": "he_normal", "bias": {"type": "normal", "std": 1.0}}


def test_a_seed_gives_the_same_bits_again_and_another_seed_others():
    first, again, other = tensors(RANDOM, 7), tensors(RANDOM, 7), tensors(RANDOM, 8)
    for name, tensor in first.items():
        assert tensor.tobytes() == again[name].tobytes()
        assert not np.isin(tensor, other[name]).any()


def test_no_two_tensors_share_their_numbers():
    made = list(tensors({**RANDOM, "type": "normal", "std": 1.0}, hidden=(50, 50)).values())
    together = np.concatenate([tensor.ravel() for tensor in made])
    assert np.unique(together).size == together.size


def test_a_tensor_does_not_depend_on_the_shapes_of_the_others():
    narrow, wide = tensors(RANDOM, hidden=(30, 20)), tensors(RANDOM, hidden=(30, 77))
    for name in ("dense1.weight", "dense1.bias"):
        np.testing.assert_array_equal(narrow[name], wide[name])
    small, large = tensors(RANDOM, hidden=(30, 20), side=4), tensors(RANDOM, hidden=(30, 20))
    for name in ("dense1.bias", "dense2.weight", "dense3.weight", "dense3.bias"):
        np.testing.assert_array_equal(small[name], large[name])


def test_float32_weights_are_the_float64_ones_rounded():
    wide, short = tensors(RANDOM), tensors(RANDOM, dtype=np.float32)
    for name, tensor in wide.items():
        np.testing.assert_array_equal(short[name], tensor.astype(np.float32))


# Files.

SHAPES = {
    "dense1.weight": (16, 3),
    "dense1.bias": (3,),
    "dense2.weight": (3, 10),
    "dense2.bias": (10,),
}


def from_file(path):
    return tensors({"type": "file", "path": str(path)}, hidden=(3,), side=4)


def write_safetensors(path, content):
    save_file(content, path)
    return path


@pytest.mark.parametrize(
    ("name", "write"), [("w.npz", write_npz), ("w.safetensors", write_safetensors)]
)
def test_a_file_s_tensors_are_taken_as_they_are(tmp_path, name, write):
    content = random_tensors(SHAPES)
    found = from_file(write(tmp_path / name, content | {"another": np.ones(2)}))
    for key, expected in content.items():
        np.testing.assert_array_equal(found[key], expected)


@pytest.mark.parametrize("name", ["gone.npz", "gone.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(UsageError, match=name):
        from_file(tmp_path / name)


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"not weights at all", b"\xff" * 64, b"PK\x03\x04" + b"\0" * 30],
    ids=["empty", "text", "bytes", "start of a zip"],
)
def test_a_file_of_something_else_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=name):
        from_file(tmp_path / name)


def test_a_truncated_file_is_named(tmp_path):
    path = write_safetensors(tmp_path / "w.safetensors", random_tensors(SHAPES))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UsageError, match=r"w\.safetensors"):
        from_file(path)


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz"])
def test_one_flipped_bit_of_an_earlier_run_s_weights_is_noticed(tmp_path, name):
    content = {key: value.astype(np.float32) for key, value in random_tensors(SHAPES).items()}
    path = tmp_path / name
    if name == "w.npz":
        write_npz(path, content)
    else:
        save_tensors(path, content, {"step": "5"})
    whole = path.read_bytes()
    before = from_file(path)
    places = range(0, len(whole), 7)
    unnoticed = 0
    for at in places:
        flipped = bytes([whole[at] ^ 1 << at % 8])
        path.write_bytes(whole[:at] + flipped + whole[at + 1 :])
        with suppress(UsageError):
            found = from_file(path)
            # A date in an archive, or a member's attributes: nothing of the weights.
            for key, expected in before.items():
                np.testing.assert_array_equal(found[key], expected)
            unnoticed += 1
    assert unnoticed < len(places) / 2
    assert unnoticed == 0 or name == "w.npz"


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "w.npz").mkdir()
    with pytest.raises(UsageError, match=r"w\.npz"):
        from_file(tmp_path / "w.npz")


WRONG = {
    "wrong shape": ({"dense2.weight": np.zeros((10, 3))}, r"dense2\.weight.*\(10, 3\).*\(3, 10\)"),
    "wrong rank": ({"dense1.bias": np.zeros((3, 1))}, r"dense1\.bias"),
    "a scalar": ({"dense1.bias": np.array(1.0)}, r"dense1\.bias"),
    "NaN": ({"dense1.weight": np.full((16, 3), np.nan)}, r"dense1\.weight.*not finite"),
    "infinity": ({"dense2.bias": np.full(10, np.inf)}, r"dense2\.bias.*not finite"),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_a_tensor_that_does_not_fit_is_named_with_its_file(tmp_path, change, message):
    path = write_npz(tmp_path / "w.npz", random_tensors(SHAPES) | change)
    with pytest.raises(UsageError, match=r"w\.npz.*" + message):
        from_file(path)


def test_a_missing_tensor_is_named_with_those_that_are_there(tmp_path):
    content = random_tensors(SHAPES)
    del content["dense2.bias"]
    path = write_npz(tmp_path / "w.npz", content)
    with pytest.raises(UsageError, match=r"w\.npz.*no tensor dense2\.bias.*dense1\.weight"):
        from_file(path)


@pytest.mark.parametrize(
    "tensor",
    [
        np.full((16, 3), "a word"),
        np.full((16, 3), 1 + 1j),
        np.zeros((16, 3), [("x", np.float64)]),
        np.full((16, 3), np.datetime64("2020-01-01")),
    ],
    ids=["text", "complex", "records", "dates"],
)
def test_a_tensor_that_holds_no_real_numbers_is_named(tmp_path, tensor):
    path = write_npz(tmp_path / "w.npz", random_tensors(SHAPES) | {"dense1.weight": tensor})
    with pytest.raises(UsageError, match=r"dense1\.weight"):
        from_file(path)


def test_a_weight_that_is_finite_in_the_file_alone_is_refused(tmp_path):
    """1e300 is infinite in float32: the run would begin diverged."""
    path = write_npz(
        tmp_path / "w.npz", random_tensors(SHAPES) | {"dense1.bias": np.full(3, 1e300)}
    )
    config = config_of(model={"hidden": [3]}, init={"type": "file", "path": str(path)})
    program = lower(config, (4, 4), CLASSES, 1)
    with pytest.raises(UsageError, match=r"dense1\.bias"):
        initial_params(config.init, program.tensors, program.sizes.parameters, 0, np.float32)


class Trap:
    """Unpickled, it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_is_refused_and_never_run(tmp_path):
    sprung = tmp_path / "sprung"
    objects = np.empty((16, 3), object)
    objects[:] = Trap(sprung)
    inside = write_npz(tmp_path / "w.npz", random_tensors(SHAPES) | {"dense1.weight": objects})
    bare = tmp_path / "bare.npz"
    bare.write_bytes(pickle.dumps(Trap(sprung)))
    for path in (inside, bare):
        with pytest.raises(UsageError, match=path.name):
            from_file(path)
    assert not sprung.exists()
