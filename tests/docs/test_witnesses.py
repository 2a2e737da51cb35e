"""The page of witnesses names tests that exist."""

import re

import pytest
from docs_helpers import REPOSITORY

NAMED = sorted(
    set(
        re.findall(
            r"`(tests/[\w/]+\.py)(?:::(\w+))?`",
            (REPOSITORY / "docs/witnesses.md").read_text("utf-8"),
        )
    )
)


def test_the_page_names_tests():
    assert len(NAMED) > 40


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_the_page_names_exists(file, name):
    text = (REPOSITORY / file).read_text("utf-8")
    wanted = rf"^def {name}\(" if name else "^def test_"
    assert re.search(wanted, text, re.MULTILINE)
