"""Figures are saved completely, repeat byte for byte, and need no display."""

import errno
import os
import subprocess
import sys

import pytest

from mnistlab.figures import style
from mnistlab.support import durable


def figure():
    with style.drawing():
        drawn = style.new_figure(3, 2)
        drawn.add_subplot().plot([1, 2], [3, 4], label="a")
    return drawn


@pytest.mark.parametrize(
    ("format", "beginning"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_the_same_figure_saved_twice_gives_the_same_bytes(tmp_path, monkeypatch, format, beginning):
    durable.write_file(tmp_path / "a", style.rendered(figure(), format))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    durable.write_file(tmp_path / "b", style.rendered(figure(), format))
    content = (tmp_path / "a").read_bytes()
    assert content.startswith(beginning)
    assert content == (tmp_path / "b").read_bytes()


def test_a_figure_that_cannot_be_saved_leaves_the_old_one(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"old")

    def no_space(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(OSError, match="No space left"):
        durable.write_file(tmp_path / "a.png", style.rendered(figure()))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"old"


def test_no_two_splits_share_a_colour_and_all_are_of_the_palette():
    colours = list(style.SPLIT_COLOURS.values())
    assert len(set(colours)) == len(style.SPLIT_NAMES) == 3
    assert set(colours) <= set(style.PALETTE)


def test_drawing_imports_no_pyplot_and_no_pandas():
    program = (
        "import sys, mnistlab.figures.run.learning_curves\n"
        "assert not {'matplotlib.pyplot', 'pandas', 'tkinter'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
