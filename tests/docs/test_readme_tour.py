"""The tour that types README.md's commands types those that it shows."""

from docs_helpers import REPOSITORY

from tools.readme_tour import FIRST, INSTEAD, VIEW, shown


def test_what_is_typed_in_another_form_is_shown_by_the_page():
    page = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    commands = {command for _, command in shown(page)}
    assert {FIRST, VIEW, *INSTEAD} <= commands
    assert "mnistlab evaluate runs/latest --calibrate" in commands
    assert not any(command.startswith("#") for command in commands)
