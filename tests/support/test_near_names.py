"""Names of files are suggested only where they are near."""

import pytest

from mnistlab.support.near_names import near_files

CONFIGS = [
    "mnist-99.yaml",
    "mnist-cnn.yaml",
    "mnist-mlp.yaml",
    "mnist-softmax.yaml",
    "quickstart.yaml",
]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("quickstart.yml", ["quickstart.yaml"]),
        ("quickstrat.yaml", ["quickstart.yaml"]),
        ("quick_start", ["quickstart.yaml"]),
        ("mnist-mpl.yaml", ["mnist-mlp.yaml"]),
        ("mnist_cnn", ["mnist-cnn.yaml"]),
        ("Softmax.yaml", ["mnist-softmax.yaml"]),
        ("mnist.yaml", ["mnist-99.yaml", "mnist-mlp.yaml", "mnist-cnn.yaml"]),
    ],
)
def test_a_name_that_is_nearly_a_files_or_a_part_of_it_suggests_the_file(name, meant):
    assert near_files(name, CONFIGS) == meant


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("config.yaml", CONFIGS),
        ("lenet.yaml", ["letter.yaml", *CONFIGS]),
        ("missing.yaml", ["mine.yaml", "mixing-it.yaml"]),
        ("a.yaml", ["b.yaml", "ab.yaml"]),
        ("20261128-101010-cnn-aaaaaa", ["20261129-133222-quickstart-319fb9"]),
        ("results", ["runs", "seen"]),
    ],
)
def test_names_that_have_only_their_suffix_or_some_letters_in_common_are_not_suggested(name, known):
    assert near_files(name, known) == []


def test_a_part_of_a_run_folders_name_suggests_the_newest_runs_with_it():
    folders = [f"2026112{day}-101010-mlp-3fa9c1" for day in range(5)] + ["20261129-101010-cnn-aa"]
    assert near_files("mlp", folders) == [folders[4], folders[3], folders[2]]
