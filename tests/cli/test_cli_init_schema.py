import json
import shlex
import sys
from pathlib import Path

import pytest
from cli_helpers import mnistlab

from mnistlab.support.example_files import example_paths

REPOSITORY = Path(__file__).parents[2]


def test_init_writes_a_configuration_that_check_accepts(home):
    outcome = mnistlab("init")
    assert outcome.exit_code == 0
    assert (home / "mnistlab.yaml").is_file()
    assert mnistlab("train", "mnistlab.yaml", "--print-config").exit_code == 0


def test_the_schema_is_where_the_configuration_refers_to_it(home):
    document = mnistlab("init", "deep/er", "--json").document
    assert document["config"] == str(home / "deep" / "er" / "mnistlab.yaml")
    first = (home / "deep" / "er" / "mnistlab.yaml").read_text().splitlines()[0]
    schema = home / "deep" / "er" / first.partition("$schema=")[2]
    assert document["schema"] == str(schema.resolve())
    assert json.loads(schema.read_text()) == mnistlab("schema", "run").document


def test_init_takes_the_name_of_a_file_and_prints_commands_for_it(home):
    outcome = mnistlab("init", "my folder/wide.yaml")
    following = [line.strip() for line in outcome.stdout.split("next:\n")[1].splitlines()]
    commands = [line for line in following if not line.startswith("# ")]
    assert all("'my folder/wide.yaml'" in command for command in commands)
    assert "mnistlab train wide.yaml" in (home / "my folder" / "wide.yaml").read_text()
    _, command, path = shlex.split(commands[0])[:3]
    assert mnistlab(command, path, "--print-config").exit_code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="names of other bytes are Linux's")
def test_init_writes_a_file_whose_name_is_no_utf_8(home):
    assert mnistlab("init", "r\udcff.yaml", "--json").exit_code == 0
    assert mnistlab("train", "r\udcff.yaml", "--print-config").exit_code == 0


def test_a_second_configuration_in_a_folder_shares_the_schema(home):
    assert mnistlab("init", "a.yaml").exit_code == 0
    assert mnistlab("init", "b.yaml").exit_code == 0
    names = {path.name for path in home.iterdir()}
    assert names == {"a.yaml", "b.yaml", "mnistlab.schema.json", "tiny.yaml"}


def test_init_overwrites_nothing_and_then_writes_nothing(home):
    (home / "mnistlab.schema.json").write_text("mine")
    outcome = mnistlab("init")
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("mnistlab.schema.json: exists")
    assert not (home / "mnistlab.yaml").exists()
    assert (home / "mnistlab.schema.json").read_text() == "mine"


def test_init_does_not_write_through_a_dangling_link(home):
    (home / "link.yaml").symlink_to("elsewhere.yaml")
    assert mnistlab("init", "link.yaml").exit_code == 2
    assert not (home / "elsewhere.yaml").exists()


def test_schema_describes_every_part_of_a_configuration():
    outcome = mnistlab("schema")
    assert outcome.exit_code == 0
    properties = outcome.document["properties"]
    assert {"data", "model", "optimizer", "training"} <= set(properties)


@pytest.mark.parametrize("name", example_paths())
def test_an_example_is_written_with_all_that_it_needs(home, name):
    document = mnistlab("init", "mine", "--example", name, "--json").document
    config = home / "mine" / f"{name.rpartition('/')[2]}.yaml"
    assert document["config"] == str(config)
    first, _, rest = config.read_text(encoding="utf-8").partition("\n#\n")
    original = (REPOSITORY / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    assert rest == original.replace(f"configs/{name}.yaml", config.name)
    sweeps = ("sweeps/", "best/cnn-seeds", "best/ensemble")
    kind = "sweep" if name.startswith(sweeps) else "run"
    schema = home / "mine" / first.partition("$schema=./")[2]
    assert json.loads(schema.read_text()) == mnistlab("schema", kind).document
    command = ("train", "--print-config") if kind == "run" else ("sweep", "--dry-run")
    assert mnistlab(command[0], f"mine/{config.name}", command[1]).exit_code == 0


def test_an_example_that_there_is_not_is_answered_with_a_near_one(home):
    outcome = mnistlab("init", "--example", "mnist-mpl")
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("--example: found 'mnist-mpl', must be one of mnist-99, ")
    assert outcome.stderr.endswith("did you mean 'mnist-mlp'?\n")
    both = mnistlab("init", "--example", "quickstart", "--model", "cnn")
    assert both.exit_code == 2
    assert both.stderr.startswith("--model: an example has its own network")
    assert {path.name for path in home.iterdir()} == {"tiny.yaml"}


def test_every_example_is_listed_with_what_it_trains():
    listed = mnistlab("examples", "--json").document["examples"]
    configs = REPOSITORY / "configs"
    files = [*configs.glob("*.yaml"), *configs.glob("[bs]*/*.yaml")]
    assert sorted(one["path"] for one in listed) == sorted(map(str, files))
    about = {one["name"]: (one["kind"], one["about"]) for one in listed}
    assert about["quickstart"] == ("run", "A first run, in seconds and without a network")
    assert about["best/cnn-seeds"] == ("sweep", "Five seeds of cnn.yaml")
    assert all(words for _, words in about.values())


def test_all_examples_are_copied_and_overwrite_nothing(home):
    written = mnistlab("examples", ".", "--json").document["files"]
    assert str(home / "examples" / "digit.png") in written
    for path in map(Path, written):
        assert path.read_bytes() == (REPOSITORY / path.relative_to(home)).read_bytes()
    assert mnistlab("train", "configs/quickstart.yaml", "--print-config").exit_code == 0
    changed = home / "configs" / "best" / "mlp.yaml"
    changed.write_text("mine")
    (home / "configs" / "quickstart.yaml").unlink()
    outcome = mnistlab("examples", ".")
    assert outcome.exit_code == 2
    assert outcome.stderr == "configs/best/mlp.yaml: exists and is not overwritten\n"
    assert changed.read_text() == "mine"
    assert not (home / "configs" / "quickstart.yaml").exists()
