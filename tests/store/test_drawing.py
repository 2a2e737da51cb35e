"""Files that a killed process left in a folder are removed by the next process that draws there."""

from mnistlab.store.drawing import drawing_in, remove_leftovers
from mnistlab.support import durable


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / "plots").mkdir()
    durable.temporary_beside(tmp_path / "run.json").write_text("half")
    durable.temporary_beside(tmp_path / "plots" / "curves.png").write_text("half")
    (tmp_path / "notes.tmp").write_text("the user's own")
    (tmp_path / ".notes.tmp").write_text("the user's own")
    (tmp_path / "run.json").write_text("whole")
    remove_leftovers(tmp_path)
    left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left == [".notes.tmp", "notes.tmp", "run.json"]


def test_two_processes_that_draw_do_not_touch_each_others_files(tmp_path):
    figure = tmp_path / "plots" / "curves.png"
    with drawing_in(tmp_path):
        for path in (figure, tmp_path / "report.html"):
            durable.temporary_beside(path).write_text("half")
        with drawing_in(tmp_path):
            assert len(list(tmp_path.rglob("*.tmp"))) == 2
    with drawing_in(tmp_path):  # alone: the processes that wrote them are gone
        assert not list(tmp_path.rglob("*.tmp"))
