import json
import shlex

from cli_helpers import mnistlab


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
