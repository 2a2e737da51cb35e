import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from browse_helpers import make_run, make_sweep

from mnistlab.store.browse.comparison import compare
from mnistlab.store.browse.listing import list_runs
from mnistlab.store.browse.summary import read_run
from mnistlab.store.notes import NO_NOTES, Notes, change_tags, read_notes, set_note
from mnistlab.support.errors import UsageError
from mnistlab.support.expressions import parsed


def test_a_note_and_tags_are_kept_and_the_runs_record_is_not_touched(tmp_path):
    folder = make_run(tmp_path / "run")
    before = (folder / "run.json").read_bytes()
    assert read_notes(folder) == NO_NOTES
    set_note(folder, " zu hoch: η\nthe loss jumps ")
    assert change_tags(folder, ["good", "old", "good"]).tags == ("good", "old")
    change_tags(folder, ["new"], ["good"])
    expected = Notes("zu hoch: η\nthe loss jumps", ("old", "new"))
    assert read_notes(folder) == read_run(folder).notes == expected
    assert set_note(folder, "") == Notes(None, ("old", "new"))
    assert (folder / "run.json").read_bytes() == before


def test_changes_at_the_same_time_are_all_kept(tmp_path):
    folder = make_run(tmp_path / "run")
    tags = [f"tag{n}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda tag: change_tags(folder, [tag]), tags))
    assert set(read_notes(folder).tags) == set(tags)


@pytest.mark.parametrize("tag", ["", "a b", "-a", ".a", "a/b", "a\n", "x" * 65, "a,b"])
def test_a_text_that_is_no_tag_is_refused_and_changes_nothing(tmp_path, tag):
    folder = make_run(tmp_path / "run")
    with pytest.raises(UsageError, match="must be up to 64 letters"):
        change_tags(folder, ["good", tag])
    assert read_notes(folder) == NO_NOTES


def test_a_tag_cannot_be_added_and_removed_at_once(tmp_path):
    folder = make_run(tmp_path / "run")
    change_tags(folder, ["good"], ["old"])
    with pytest.raises(UsageError, match="added and removed"):
        change_tags(folder, ["good"], ["good"])
    assert read_notes(folder).tags == ("good",)


def test_a_note_that_cannot_be_stored_is_refused(tmp_path):
    folder = make_run(tmp_path / "run")
    with pytest.raises(UsageError, match="has 10,001 characters, more than 10,000"):
        set_note(folder, "a" * 10_001)
    with pytest.raises(UsageError, match="is not UTF-8"):
        set_note(folder, "\udcff")
    assert not (folder / "notes.json").exists()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "notes.json: is not JSON"),
        ("[]", r"notes.json: found \[\], expected an object"),
        ('{"tags": "good"}', "notes.json: tags: found 'good', expected a list"),
        ('{"note": 3}', "notes.json: note: found 3, expected text"),
    ],
)
def test_damaged_notes_are_named_and_not_overwritten(tmp_path, text, fault):
    path = make_run(tmp_path / "run") / "notes.json"
    path.write_text(text)
    for call in (lambda: set_note(path.parent, "new"), lambda: change_tags(path.parent, ["new"])):
        with pytest.raises(UsageError, match=fault):
            call()
    assert path.read_text() == text
    (told,) = list_runs([tmp_path]).faults
    assert str(path) in told


def test_notes_that_are_a_link_out_of_the_folder_are_neither_read_nor_replaced(tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps({"note": "secret"}))
    folder = make_run(tmp_path / "runs" / "run")
    (folder / "notes.json").symlink_to(outside)
    with pytest.raises(UsageError, match="points to"):
        read_notes(folder)
    with pytest.raises(UsageError, match="points to"):
        set_note(folder, "new")
    assert json.loads(outside.read_text()) == {"note": "secret"}


def test_conditions_sorting_and_tags_select_runs_by_their_notes(tmp_path):
    first, second = make_run(tmp_path / "1-run"), make_run(tmp_path / "2-run")
    third = make_sweep(tmp_path / "3-sweep", ["finished"])
    change_tags(first, ["good", "paper"])
    change_tags(third, ["good"])
    set_note(second, "the rate is too high")

    def names(where=None, tags=()):
        return [entry.path.name for entry in list_runs([tmp_path], where, None, tags).entries]

    assert names("'good' in tags") == names(tags=["good"]) == ["1-run", "3-sweep"]
    assert names(tags=["good", "paper"]) == ["1-run"]
    assert names("'goo' in tags") == names(tags=["goo"]) == []
    assert names("'too high' in note") == ["2-run"]
    assert names("note == null and 'paper' not in tags") == ["3-sweep"]
    (found,) = compare([tmp_path], parsed("'paper' in tags")).runs
    assert found.run.path == first
