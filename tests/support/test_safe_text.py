"""Text from outside, made safe for a terminal, a log and Markdown."""

import ast
import logging
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mnistlab
from mnistlab.store.run_log import logged
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_text import as_markdown, code_as_markdown, one_line
from mnistlab.terminal.tables import table

TITLE = "\x1b]0;owned\x07"
FAKED = "x\nwarning: all is well"
HOSTILE = TITLE + FAKED


@given(st.text())
def test_no_text_holds_what_a_terminal_obeys(text):
    shown = one_line(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Zl", "Zp")]
    assert not any(unicodedata.bidirectional(c) in BIDIRECTIONAL for c in shown)
    assert len(shown.splitlines()) <= 1


BIDIRECTIONAL = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")


def test_what_is_harmless_stays_as_it_is():
    text = "Größe 7 × 7 / 数字.png ✓ [a] $x$"
    assert one_line(text) == text


def test_bytes_of_a_name_that_are_control_characters_are_shown_as_such():
    assert one_line(os.fsdecode(b"a\x9b2J\xff")) == "a\\udc9b2J\udcff"


def test_an_error_is_one_line_whatever_name_is_in_it():
    assert str(UsageError(f"{HOSTILE}: no such file", "b")).split("\n") == [
        "\\x1b]0;owned\\x07x\\nwarning: all is well: no such file",
        "b",
    ]


def test_a_cell_of_a_table_is_one_line_and_its_column_is_as_wide_as_what_is_shown():
    assert table([["a", "b"], ["x\ny", "\x1b[2J"]]).split("\n") == ["a     b", "x\\ny  \\x1b[2J"]


def test_a_record_of_the_log_is_one_line(tmp_path):
    with logged(tmp_path / "train.log"):
        logging.getLogger("mnistlab.test").warning("%s: damaged", HOSTILE)
    lines = (tmp_path / "train.log").read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("WARNING \\x1b]0;owned\\x07x\\nwarning: all is well: damaged")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script> & co", "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co"),
        ("![x](http://a/b)", "!\\[x\\](http://a/b)"),
        ("a | b", "a \\| b"),
        ("`rm` *all* _of_ val_loss", "\\`rm\\` \\*all\\* \\_of\\_ val_loss"),
        ("# one\n\n# two", "\\# one # two"),
        ("1. first", "1\\. first"),
        ("- item", "\\- item"),
        ("---", "\\---"),
        ("0.1", "0.1"),
        ("-3.5 ± 0.1", "-3.5 ± 0.1"),
        ("\x1b[2J", "\\\\x1b\\[2J"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text, shown):
    assert as_markdown(text) == shown


def test_code_in_markdown_ends_where_the_text_ends():
    assert code_as_markdown("a` <b>\n") == "`a' <b>\\n`"


def on_a_terminal(*command: str, cwd: Path) -> bytes:
    """The output of a command that has nothing but a terminal."""
    leader, follower = pty.openpty()
    # A line of a table is written at once, and the terminal is wide enough for it.
    process = subprocess.Popen(
        [sys.executable, "-m", "mnistlab", *command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "MNISTLAB_DATA_DIR": str(cwd / "data")},
    )
    os.close(follower)
    written = b""
    try:
        while piece := os.read(leader, 65536):
            written += piece
    except OSError:  # Linux reports in this way that the other side is closed
        pass
    finally:
        os.close(leader)
        process.wait()
    return written


@pytest.mark.parametrize(
    "command",
    [
        ("train", f"{HOSTILE}.yaml"),
        ("train", f"--{HOSTILE}"),
        ("train", "tiny.yaml", f"model.{HOSTILE}=3"),
        ("train", "tiny.yaml", f"name={HOSTILE}"),
        ("sweep", "tiny.yaml", f"{HOSTILE}=1,2"),
        ("predict", HOSTILE, HOSTILE),
        ("evaluate", HOSTILE, "--debug"),
        ("data", "info", HOSTILE),
        ("init", HOSTILE),
        ("runs", HOSTILE),
    ],
)
def test_a_name_cannot_command_the_terminal_nor_fake_a_line(command, tmp_path):
    (tmp_path / "tiny.yaml").write_text("data: {source: digits, train_limit: 50}\n")
    written = on_a_terminal(*command, cwd=tmp_path)
    assert b"\\x1b]0;owned\\x07" in written or b"U+001B" in written
    assert b"\x1b" not in written
    assert b"\x07" not in written
    assert not any(line.startswith(b"warning: all") for line in written.splitlines())


def test_nothing_prints_but_the_one_module_that_makes_text_safe():
    package = Path(mnistlab.__file__).parent
    printing = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTERS
    ]
    assert set(printing) == {"terminal/output.py"}


PRINTERS = ("print", "typer.echo", "typer.secho", "sys.stdout.write", "sys.stderr.write")
