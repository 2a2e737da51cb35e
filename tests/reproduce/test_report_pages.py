"""A report's text, for any text in the report's own file."""

from types import SimpleNamespace

from mnistlab.reproduce.pages import markdown
from mnistlab.reproduce.tables import RenderedTable

SCRIPT = "<script>alert(1)</script>\n# [x](javascript:1) | \x1b]0;t\x07"


def test_nothing_of_a_report_is_taken_for_html_a_link_or_a_cell():
    plan = SimpleNamespace(
        kind="paper",
        name=SCRIPT,
        budget="default",
        report=SimpleNamespace(title=SCRIPT, setting=SCRIPT),
    )
    table = RenderedTable(SCRIPT, (SCRIPT, "b"), ((SCRIPT, "1"),), 1, (SCRIPT,), SCRIPT)
    saved = SimpleNamespace(drawn=[], figures={}, folder=None)
    text = markdown(plan, [table], saved, [("processor", SCRIPT), ("software", SCRIPT)], "1 s")
    outside_code = "".join(text.split("`")[::2])
    assert "<" not in outside_code
    assert "](" not in outside_code.replace("\\](", "")
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in text.splitlines() if line.startswith(("# &lt;", "# <", "## &lt;"))
    ]
    row = next(line for line in text.splitlines() if line.startswith("| &lt;") and "| 1 |" in line)
    assert row.replace("\\|", "").count("|") == 3
