"""What earlier versions wrote is still the same configuration."""

from mnistlab.added_keys import ADDED_KEYS, completed
from mnistlab.config import config_hash, resolved_mapping, run_config_from_mapping

STOPPING = {"training": {"epochs": 9, "early_stopping": {"monitor": "val_loss", "patience": 5}}}
MSE = {"loss": "mse", "model": {"hidden": [5], "activation": "tanh"}}
CONV = {"conv": {"filters": 2, "kernel": 3}}
CNN = {"model": {"type": "cnn", "layers": [CONV, {"activation": "tanh"}]}}
# As the first version gave them.
HASHES = {
    "04c5c5e605c0aefe167ff7f6e39f8f0928b2bc35b73b0ad864387e1a68e15b9d": {},
    "599cd0960e822e0d9bc2c84ec0e58887af0737e87d060a1dbc883937a1c07b77": STOPPING,
    "a97b7f7ec17093105ed139475c842ac685a9b7ee45e8c4627d480d69722ba7de": MSE,
    "0bb04f1c47359e7b31236dcb61d123154bc7ee596e29720996fae410883c5840": CNN,
}


def first_version(mapping):
    """The resolved configuration as it was before any of the added keys."""
    resolved = resolved_mapping(run_config_from_mapping(mapping))
    for key in ("kernels", "snapshots", "average_last"):
        del resolved["training"][key]
    for key in {"label_smoothing", "targets", "teacher"} & resolved["loss"].keys():
        del resolved["loss"][key]
    if resolved["training"]["early_stopping"]:
        del resolved["training"]["early_stopping"]["min_delta"]
    for key in {"batch_norm", "input_dropout"} & resolved["model"].keys():
        del resolved["model"][key]
    for layer in resolved["model"].get("layers", ()):
        layer.get("conv", {}).pop("connections", None)
    return resolved


def test_a_configuration_keeps_the_hash_that_the_first_version_gave_it():
    for stated, mapping in HASHES.items():
        assert config_hash(run_config_from_mapping(mapping)) == stated


def test_an_added_key_with_another_value_changes_the_hash():
    plain = {"training": {"kernels": "plain"}}
    early = STOPPING["training"]["early_stopping"] | {"min_delta": 0.01}
    patient = {"training": {**STOPPING["training"], "early_stopping": early}}
    smoothed, plus_minus = {"loss": {"label_smoothing": 0.1}}, {"targets": "plus_minus"}
    mappings = ({}, plain, STOPPING, patient, MSE, MSE | {"loss": {"type": "mse", **plus_minus}})
    hashes = {config_hash(run_config_from_mapping(m)) for m in (*mappings, smoothed)}
    assert len(hashes) == 7


def test_a_configuration_of_the_first_version_is_completed():
    for mapping in ({}, STOPPING, MSE, CNN):
        now = resolved_mapping(run_config_from_mapping(mapping))
        assert first_version(mapping) != now
        assert completed(first_version(mapping)) == now


def test_a_key_of_one_type_is_added_to_that_type_alone():
    now = resolved_mapping(run_config_from_mapping({"model": {"type": "cnn"}}))
    assert "batch_norm" not in completed(first_version({"model": {"type": "cnn"}}))["model"]
    assert completed(first_version({"model": {"type": "cnn"}})) == now


def test_a_configuration_without_the_section_of_an_added_key_is_left_as_it_is():
    for config in ({}, {"training": None}, {"training": []}):
        assert completed(config) == config


def test_the_added_keys_are_keys_at_their_default():
    wholes = [resolved_mapping(run_config_from_mapping(one)) for one in (STOPPING, MSE, CNN)]
    for path, value in ADDED_KEYS.items():
        *names, key = path.split(".")
        found = [section[key] for whole in wholes for section in sections_at(whole, names)]
        assert found == [value] * len(found) != []


def sections_at(found, names):
    """The sections of a configuration that a path of ADDED_KEYS leads to."""
    for number, name in enumerate(names):
        if name == "*":
            rest = names[number + 1 :]
            return [one for item in found for one in sections_at(item, rest)]
        name, _, kind = name.partition(":")
        found = found.get(name)
        if found is None or (kind and found["type"] != kind):
            return []
    return [found]
