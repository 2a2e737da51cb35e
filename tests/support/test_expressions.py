"""The conditions of `--where`: what they mean, what they refuse, and where they point."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.support.errors import UsageError
from mnistlab.support.expressions import MAX_LENGTH, parsed

RUN = {
    "val_accuracy": 0.98,
    "val_loss": None,
    "seed": 3,
    "optimizer.type": "sgd",
    "model.hidden": [256, 128],
    "model.layers.0.conv.filters": 20,
    "data.deskew": True,
    "training.batch_size": "full",
    "name": "größe",
    "tags": ["good", "old"],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("val_accuracy > 0.97 and optimizer.type == 'sgd'", True),
        ("val_accuracy > 0.98", False),
        ("0.9 < val_accuracy <= 0.98", True),
        ("seed in [1, 2, 3]", True),
        ("seed not in (1, 2)", True),
        ("'good' in tags and not 'new' in tags", True),
        ("'sg' in optimizer.type", True),
        ('optimizer.type != "adam"', True),
        ("model.hidden == [256, 128]", True),
        ("model.hidden == [256]", False),
        ("model.layers.0.conv.filters >= 2e1", True),
        ("(seed == 1 or seed == 3) and val_accuracy > .5", True),
        ("seed == 1 or seed == 3 and val_accuracy < 0.5", False),
        ("data.deskew", True),
        ("not data.deskew", False),
        ("data.deskew == true", True),
        ("data.deskew == 1", False),
        ("seed > -1", True),
        ("name == 'größe' and seed == 3", True),
        ("  seed == 3  ", True),
        (r"name == '\d'", False),
        # Without a value, or with one of another kind, nothing is smaller or larger.
        ("val_loss == null", True),
        ("val_loss < 1", False),
        ("not val_loss < 1", True),
        ("optimizer.beta1 != 0.9", True),
        ("training.batch_size > 32", False),
        ("training.batch_size == 'full'", True),
        ("data.deskew > 0", False),
        ("'a' in seed", False),
    ],
)
def test_a_condition_is_true_or_false_of_a_run(text, expected):
    assert parsed(text).matches(RUN) is expected


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("seed = 3", 6, "two values are compared by =="),
        ("seed === 3", 8, "two values are compared by =="),
        ("seed == 3 && val_loss < 1", 11, "combined by `and` and `or`"),
        ("seed == 3 | val_loss < 1", 11, "combined by `and` and `or`"),
        ("!seed", 1, "negated by `not`"),
        ("seed == ", 9, "a condition compares keys with values"),
        ("", 1, "at the end"),
        ("seed == (3", 9, "a condition compares"),
        ("seed == 'a", 9, "this text has no end"),
        ("val_loss < 1 and __import__('os')", 18, "cannot be used here"),
        ("seed.__class__.mro() == 3", 1, "cannot be used here"),
        ("seed == 3 and (lambda: 1)", 16, "cannot be used here"),
        ("[x for x in tags] == 3", 4, "cannot be used here"),
        ("seed + 1 == 3", 6, "cannot be used here"),
        ("2 ** 9 == seed", 3, "cannot be used here"),
        ("seed == 3 and 5", 15, "cannot be used here"),
        ("seed == tags[0]", 9, "cannot be used here"),
        ("seed is 3", 6, "cannot be used here"),
        ("name == 'größe' and seed + 1", 26, "cannot be used here"),
        ("name == 'größe' and seed == tags[0]", 29, "cannot be used here"),
        ("seed == 3 and\n seed == tags[0]", 24, "cannot be used here"),
        ("seed == {1: 2}", 9, "cannot be used here"),
        ("f'{seed}' == 'a'", 2, "a condition compares"),
        ("seed == 3 if seed else 4", 11, "cannot be used here"),
        ("(x := 3) == 3", 4, "cannot be used here"),
        ("seed == --3", 9, "cannot be used here"),
        ("\0", 1, "cannot be used here"),
    ],
)
def test_all_else_is_refused_with_its_column(text, column, says):
    with pytest.raises(UsageError) as caught:
        parsed(text)
    (message,) = caught.value.messages
    assert message.startswith(f"where, column {column}")
    assert says in message


def test_a_key_that_no_run_has_is_named_with_the_nearest():
    condition = parsed("seed == 3 and val_acuracy > 0.9")
    with pytest.raises(
        UsageError, match=r"column 15, at 'val_acuracy > 0.9': no run has .*did you"
    ):
        condition.refuse_unknown(RUN)
    with pytest.raises(UsageError, match=r"column 19.*'blackbox'; a text is quoted: 'blackbox'"):
        parsed("optimizer.type == blackbox").refuse_unknown(RUN)
    parsed("seed == 3 and data.deskew == true or val_loss == null").refuse_unknown(RUN)


def test_a_condition_of_any_length_is_answered():
    long = "not " * (MAX_LENGTH // 4 - 5) + "seed == 3"
    assert parsed(long).matches(RUN) is (long.count("not") % 2 == 0)
    with pytest.raises(UsageError, match="1,001 characters"):
        parsed("x" * (MAX_LENGTH + 1))
    with pytest.raises(UsageError):
        parsed("(" * MAX_LENGTH)


PIECES = ["seed", "a.b", "1", "'x'", "==", "<", "and", "or", "not", "in", "(", ")", "[", "]", ","]
PIECES += ["-", "ß", "true", ".", ":=", "#", "\\", "\n", "\t", "'", "lambda", "*", "1e999"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_any_text_is_a_condition_or_refused(text):
    try:
        condition = parsed(text)
    except UsageError:
        return
    assert condition.matches(RUN) in (True, False)
