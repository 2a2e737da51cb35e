import json

import pytest
from cli_helpers import make_ended_run, mnistlab

import mnistlab as package
from mnistlab.store.notes import read_notes


@pytest.fixture
def run(home):
    """A finished run, to which runs/latest points."""
    return make_ended_run(home / "runs" / "20261121-140000-a-000001")


def test_a_note_is_stored_printed_listed_and_removed(run):
    assert mnistlab("note", run).stderr == f"{run}: has no note\n"
    assert mnistlab("note", "runs/latest", "the loss\njumps").stdout == "the loss\njumps\n"
    assert mnistlab("note", run).stdout == "the loss\njumps\n"
    assert json.loads(mnistlab("note", run, "--json").stdout) == {
        "path": str(run),
        "note": "the loss\njumps",
        "tags": [],
    }
    assert "the loss\\njumps" in mnistlab("runs").stdout
    assert mnistlab("note", run, "").exit_code == 0
    assert "note" not in mnistlab("runs").stdout


def test_tags_are_added_removed_listed_and_filtered(run):
    assert mnistlab("tag", run, "+good", "+old").stdout == f"{run}: good old\n"
    assert mnistlab("tag", run, "-old", "+dropout").stdout == f"{run}: good dropout\n"
    assert mnistlab("tag", "-dropout", "runs/latest", "--json").exit_code == 0
    assert mnistlab("tag", run).stdout == f"{run}: good\n"
    assert "tags" in mnistlab("runs").stdout.splitlines()[0]
    (entry,) = json.loads(mnistlab("runs", "--tag", "good", "--json").stdout)["entries"]
    assert entry["tags"] == ["good"]
    outcome = mnistlab("runs", "--tag", "bad", "--where", "epochs > 0")
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert "nothing matches the tag bad and epochs > 0" in outcome.stderr


def test_a_removed_tag_may_begin_with_the_letter_of_an_option(run):
    mnistlab("tag", run, "+hard", "+json")
    assert mnistlab("tag", run, "-hard", "-json").stdout == f"{run}: no tags\n"
    assert "Usage:" in mnistlab("tag", "-h").stdout


def test_a_tag_is_removed_from_the_runs_that_have_it(run):
    other = make_ended_run(run.parent / "20261121-140100-b-000002")
    mnistlab("tag", run, "+old")
    outcome = mnistlab("tag", run, other, "-old", "+new")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert read_notes(run).tags == read_notes(other).tags == ("new",)


@pytest.mark.parametrize(
    ("tags", "removed", "told"),
    [
        ((), "old", "tag 'old' was not there\n"),
        (("+good",), "god", "tag 'god' was not there; did you mean good?\n"),
        (("+paper",), "old", "tag 'old' was not there; found paper\n"),
    ],
)
def test_a_tag_that_no_run_has_is_told_and_the_rest_is_done(run, tags, removed, told):
    mnistlab("tag", run, *tags)
    outcome = mnistlab("tag", run, "+new", f"-{removed}")
    assert (outcome.exit_code, outcome.stderr) == (0, told)
    assert read_notes(run).tags == (*(tag[1:] for tag in tags), "new")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tag", "+good"), "tag: no run is named before +good"),
        (("tag", "runs/latest", "+a b"), "tag: found 'a b', must be"),
        (("tag", "runs/latest", "+"), "tag: found '', must be"),
        (("tag", "runs/latest", "--bad"), "--bad"),
        (("tag", "runs", "+good"), "is a folder of runs, not one run"),
        (("note", "nowhere", "text"), "nowhere: no such run folder"),
        (("note", "tiny.yaml", "text"), "is a file, not a run folder"),
    ],
)
def test_what_cannot_be_noted_or_tagged_is_refused(run, words, message):
    outcome = mnistlab(*words)
    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert not (run / "notes.json").exists()


def test_python_reads_and_sets_notes_and_tags(run):
    one = package.load_run(run)
    assert (one.note, one.tags) == (None, ())
    one.note, one.tags = "a note", ["good", "old"]
    one.tags = ["new", "good"]
    assert (one.note, one.tags) == ("a note", ("good", "new"))
    table = package.runs(run.parent, tag="new")
    assert table.loc[str(run), "tags"] == ["good", "new"]
    assert package.runs(run.parent, tag=["new", "other"]).empty
