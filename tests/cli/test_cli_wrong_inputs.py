"""Every wrong input: the exit code, the name of the wrong part, and no files left behind."""

import shlex

import pytest
from cli_helpers import IDX_NAMES, mnistlab

FILES = {
    "empty.yaml": b"",
    "comment.yaml": b"# nothing yet\n",
    "list.yaml": b"- a\n",
    "latin.yaml": b"name: a\nseed: \xff\n",
    "syntax.yaml": b"model: {type: mlp\nseed: 1\n",
    "sweep.yaml": b"run: {}\nparameters: {seed: [1, 2]}\n",
    "twice.yaml": b"seed: 1\nname: a\nseed: 2\n",
    "tag.yaml": b"name: !!python/object/apply:os.getcwd []\n",
    "several.yaml": b"modle: {type: mlp}\noptimizer: {lr: -1}\ntraining: {epochs: ten}\n",
    "huge.yaml": b"#" * 300_000,
    "cnn.yaml": b"""\
data: {source: digits}
model:
  type: cnn
  layers:
    - conv: {filters: 2, kernel: 5}
    - conv: {filters: 2, kernel: 30}
""",
    "afile": b"",
}
# More than Python's int() takes.
MANY_DIGITS = "9" * 6000
# The command line; the exit code; what the message has to name.
CASES = [
    ("train", 2, ["CONFIG"]),
    ("train tinny.yaml", 2, ["tinny.yaml", "no such file", "tiny.yaml"]),
    ("train folder", 2, ["folder", "is a folder"]),
    ("train empty.yaml", 2, ["empty.yaml", "empty"]),
    ("train comment.yaml", 2, ["comment.yaml", "empty"]),
    ("train list.yaml", 2, ["list.yaml:1:1", "a mapping"]),
    ("train latin.yaml", 2, ["latin.yaml:2", "0xFF"]),
    ("train syntax.yaml", 2, ["syntax.yaml:2:5"]),
    ("train twice.yaml", 2, ["twice.yaml:3:1", "seed", "line 1"]),
    ("train tag.yaml", 2, ["tag.yaml:1:7", "name", "os.getcwd"]),
    ("train several.yaml", 2, ["several.yaml:1:1", "'modle'", "'model'"]),
    ("train several.yaml", 2, ["several.yaml:2:17", "optimizer.lr", "-1"]),
    ("train several.yaml", 2, ["several.yaml:3:20", "training.epochs", "'ten'"]),
    ("train huge.yaml", 2, ["huge.yaml", "256 KiB"]),
    ("train tiny.yaml optimizer.lr=.nan", 2, ["optimizer.lr", "nan"]),
    ("train tiny.yaml optimizer.lr", 2, ["optimizer.lr", "KEY=VALUE"]),
    ("train tiny.yaml optimizer.rl=0.1", 2, ["optimizer.rl", "'rl'"]),
    ("train tiny.yaml model.hidden=[8", 2, ["model.hidden=[8", "YAML"]),
    ("train tiny.yaml seed.x=1", 2, ["command line: seed.x=1"]),
    ("train tiny.yaml model.hidden=[1000000000]", 2, ["model.hidden", "1000000000"]),
    ("train tiny.yaml training.epochs=0", 2, ["training.epochs", "0"]),
    ("train tiny.yaml data.classes=[11]", 2, ["data.classes", "11"]),
    ("train tiny.yaml data.source=mnst", 2, ["data.source", "'mnst'", "'mnist'"]),
    ("train tiny.yaml data.source=idx", 2, ["data.source", "data.path"]),
    ("train tiny.yaml data.validation=5000", 2, ["data.validation", "5,000"]),
    ("train tiny.yaml loss.type=binary_cross_entropy", 2, ["loss.type", "sigmoid"]),
    ("train tiny.yaml 'init={type: file, path: gone}'", 2, ["gone"]),
    ("train tiny.yaml 'init={type: file, path: afile}'", 2, ["afile"]),
    ("train cnn.yaml", 2, ["cnn.yaml:6:13", "model.layers.1.conv", "30 × 30", "24 × 24"]),
    ("train cnn.yaml model.layers.1.conv.kernel=25", 2, ["cnn.yaml:6:13", "conv2", "25 × 25"]),
    ("train cnn.yaml data.validation=2000", 2, ["command line", "data.validation", "2,000"]),
    ("check cnn.yaml", 2, ["cnn.yaml:6:13", "conv2"]),
    ("train tiny.yaml --name a/b", 2, ["name", "a/b"]),
    ("train tiny.yaml --name ..", 2, ["name", "'..'"]),
    ("train tiny.yaml --name ''", 2, ["name"]),
    ('train --name "it\'s" tiny.yaml', 2, ["name", "it's"]),
    ("train tiny.yaml --threads 0", 2, ["--threads", "1"]),
    ("train tiny.yaml --threads two", 2, ["--threads"]),
    ("train tiny.yaml --nonsense", 2, ["--nonsense"]),
    ("train tiny.yaml --runs-dir", 2, ["--runs-dir"]),
    ("train tiny.yaml --runs-dir afile", 2, ["afile"]),
    ("train tiny.yaml data.source=idx data.path=gone", 4, ["gone"]),
    ("train tiny.yaml data.source=idx data.path=html", 4, [IDX_NAMES[0], "HTML"]),
    ("train tiny.yaml data.source=idx data.path=html", 4, [IDX_NAMES[3], "HTML"]),
    ("train tiny.yaml data.source=mnist --data-dir .", 4, ["mnist", "data fetch mnist"]),
    ("train tiny.yaml data.source=mnist --data-dir afile", 4, ["afile"]),
    ("check", 2, ["CONFIG"]),
    ("check tinny.yaml", 2, ["tinny.yaml", "tiny.yaml"]),
    ("check several.yaml", 2, ["several.yaml:2:17", "optimizer.lr"]),
    ("check tiny.yaml seed=-1", 2, ["seed", "-1"]),
    ("check tiny.yaml --runs-dir x", 2, ["--runs-dir"]),
    ("check tiny.yaml data.source=idx data.path=html", 4, [IDX_NAMES[1], "HTML"]),
    ("data lst", 2, ["'lst'", "'list'"]),
    ("data fetch", 2, ["NAME"]),
    ("data fetch mnst", 2, ["mnst", "did you mean mnist"]),
    ("data fetch digits", 2, ["digits", "not a downloadable dataset"]),
    ("data info", 2, ["NAME"]),
    ("data info Fashion_mnist", 2, ["Fashion_mnist", "fashion-mnist"]),
    ("data info idx", 2, ["idx", "--path"]),
    ("data info digits --path html", 2, ["digits", "--path"]),
    ("data info idx --path gone", 4, ["gone"]),
    ("data info idx --path html", 4, [IDX_NAMES[2], "HTML"]),
    ("data info mnist --data-dir .", 4, ["mnist", IDX_NAMES[0]]),
    ("data info kmnist", 4, ["kmnist", "data fetch kmnist"]),
    ("init tiny.yaml", 2, ["tiny.yaml", "exists"]),
    ("init afile", 2, ["afile", "is a file"]),
    ("init afile/new.yaml", 2, ["afile", "cannot be written"]),
    ("schema rnu", 2, ["rnu", "choose run or sweep"]),
    ("schema run again", 2, ["again"]),
    ("trian tiny.yaml", 2, ["'trian'", "'train'"]),
    ("train sweep.yaml", 2, ["sweep.yaml", "mnistlab sweep"]),
    ("sweep", 2, ["CONFIG"]),
    ("sweep tiny.yaml", 2, ["tiny.yaml", "optimizer.lr=0.1,0.01"]),
    ("sweep tiny.yaml optimizer.lr=1,-1", 2, ["optimizer.lr=1,-1", "greater than 0"]),
    ("sweep gone.yaml seed=1,2", 2, ["gone.yaml", "no such file"]),
    ("sweep tiny.yaml seed=1,2 --workers 0", 2, ["--workers", "'0'", "auto"]),
    ("sweep tiny.yaml seed=1,2 --workers x", 2, ["--workers", "'x'"]),
    (f"sweep tiny.yaml seed=1,2 --workers {MANY_DIGITS}", 2, ["--workers", "from 1 to 10000"]),
    (f"train tiny.yaml seed={MANY_DIGITS}", 2, ["seed", "too many digits"]),
    (f"train tiny.yaml optimizer.lr=0x{MANY_DIGITS}", 2, ["optimizer.lr"]),
    (f"train tiny.yaml model.hidden.{MANY_DIGITS}=3", 2, ["model.hidden", "index below 1"]),
    (f"train tiny.yaml --threads {MANY_DIGITS}", 2, ["--threads"]),
    ("sweep tiny.yaml data.source=digits,mnist --data-dir .", 4, ["mnist"]),
    ("sweep tiny.yaml data.train_limit=0,1 --dry-run", 2, ["data.train_limit=0,1"]),
]


@pytest.fixture
def mistakes(home):
    for name, content in FILES.items():
        (home / name).write_bytes(content)
    (home / "folder").mkdir()
    for folder in ("html", "mnist"):
        (home / folder).mkdir()
        for name in IDX_NAMES:
            (home / folder / name).write_text("<html>404</html>")
    return home


@pytest.mark.parametrize(("line", "exit_code", "named"), CASES)
def test_a_mistake_is_named_and_leaves_nothing(mistakes, line, exit_code, named):
    before = sorted(mistakes.rglob("*"))
    outcome = mnistlab(*shlex.split(line))
    assert outcome.exit_code == exit_code
    assert outcome.stdout == ""
    assert "Traceback" not in outcome.stderr
    assert all(word in outcome.stderr for word in named), outcome.stderr
    assert sorted(mistakes.rglob("*")) == before


@pytest.mark.parametrize(("line", "exit_code", "named"), CASES)
def test_with_json_a_mistake_is_one_document(mistakes, line, exit_code, named):
    words = shlex.split(line)
    # In front of the options: it is not to become the value that one of them lacks.
    options = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    outcome = mnistlab(*words[:options], "--json", *words[options:])
    document = outcome.document
    assert set(document) == {"status", "exit_code", "errors"}
    assert (document["status"], document["exit_code"]) == ("error", exit_code)
    assert outcome.exit_code == exit_code
    assert document["errors"]
    assert all(isinstance(message, str) for message in document["errors"])


def test_all_errors_of_a_file_are_reported_at_once_in_its_order(mistakes):
    errors = mnistlab("train", "several.yaml", "--json").document["errors"]
    assert [error.partition(": ")[0] for error in errors] == [
        "several.yaml:1:1",
        "several.yaml:2:17",
        "several.yaml:3:20",
    ]
