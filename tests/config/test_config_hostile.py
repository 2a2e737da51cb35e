"""Deep, explosive, huge and random files are refused quickly with a plain message."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.config import RunConfig, load_run_config, parse_run_config, run_config_from_mapping
from mnistlab.support.errors import ConfigError

BILLION_LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

DEEP_ALIASES = "a: &a [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n or ''}]\n" for n in range(40))

HOSTILE = {
    "billion laughs": (BILLION_LAUGHS, "more than 10000 values"),
    "a list in itself": ("a: &a [*a]", "inside the value of its own anchor"),
    "flow lists without end": ("a: " + "[" * 100_000, "deep"),
    "closed flow lists": ("a: " + "[" * 5000 + "]" * 5000, "deep"),
    "flow mappings": ("{a: " * 5000, "deep"),
    "dashes": ("- " * 100_000, "deep"),
    "indented mappings": ("".join(" " * n + "a:\n" for n in range(600)), "deep"),
    "many values": ("a: [" + "1," * 100_000 + "]", "more than 10000 values"),
    "many digits": ("seed: " + "9" * 200_000, "too many digits"),
    "a long word": ("name: " + "x" * 200_000, "at most 100 characters"),
    "a merge": ("<<: [1, 2]", "must be a mapping, or a list of mappings"),
    "a deep alias": (DEEP_ALIASES, "deep"),
}


@pytest.mark.parametrize(("text", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_before_it_grows(text, reason, tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_run_config(file)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_file_too_large_for_a_configuration_is_refused_unread(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text("seed: 1\n" + "# comment\n" * 50_000)
    with pytest.raises(ConfigError, match="larger than 256 KiB"):
        load_run_config(file)


def test_a_mapping_that_holds_itself_is_refused():
    mapping = {}
    mapping["data"] = mapping
    with pytest.raises(ConfigError, match="deep"):
        run_config_from_mapping(mapping)


def refusal(load: Callable[..., RunConfig], *arguments: object) -> str:
    """The message of a refusal, empty if the configuration loads; any other error is raised."""
    try:
        load(*arguments)
    except ConfigError as error:
        return str(error) or "without a word"
    return ""


LEAKS = ("Input should", "something else", "valid dictionary", "without a word")


def loads_or_refuses(load: Callable[..., RunConfig], *arguments: object) -> None:
    message = refusal(load, *arguments)
    assert not [leak for leak in LEAKS if leak in message]


@given(st.text())
def test_any_text_loads_or_is_refused(text):
    loads_or_refuses(parse_run_config, text, "f.yaml")


@given(st.text(alphabet=" \n\t:-?[]{},&*!|>'\"%@`#~<=.0123456789eEx\\Uabcn_", max_size=60))
def test_any_text_of_yamls_own_signs_loads_or_is_refused(text):
    loads_or_refuses(parse_run_config, text, "f.yaml")


KEYS = st.sampled_from(
    ["type", "lr", "layers", "bias", "path", "std", "conv", "<SGD>", "sgd", "dense1", "classes"]
)
WORDS = st.sampled_from(["cnn", "sgd", "adam", "normal", "relu", "flatten", "idx", "file", "all"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*RunConfig.model_fields, "x"]), VALUES, max_size=4))
def test_any_values_under_known_keys_load_or_are_refused(mapping):
    loads_or_refuses(run_config_from_mapping, mapping)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_override_applies_or_is_refused(key, value):
    overrides = [f"{key}={value}", f"optimizer.{key}={value}", f"data.path={value}"]
    loads_or_refuses(parse_run_config, "seed: 1", "f.yaml", overrides)
