"""Tables for documents show every character as it is."""

import pytest

from mnistlab.support.document_tables import as_latex, latex_table, markdown_table

ROWS = [["run", "test accuracy"], ["a|b_c", "98.40 %"], ["[8, 8]", "91.00 ± 0.10 %"]]


def test_a_markdown_table_aligns_numbers_and_keeps_bars_within_cells():
    assert markdown_table(ROWS, right=[1]).split("\n") == [
        "| run | test accuracy |",
        "| --- | ---: |",
        "| a\\|b_c | 98.40 % |",
        "| \\[8, 8\\] | 91.00 ± 0.10 % |",
    ]


def test_a_latex_table_needs_no_package():
    assert latex_table(ROWS, right=[1]).split("\n") == [
        r"\begin{tabular}{lr}",
        r"\hline",
        r"run & test accuracy \\",
        r"\hline",
        r"a|b\_c & 98.40 \% \\",
        r"{[8, 8]} & 91.00 $\pm$ 0.10 \% \\",
        r"\hline",
        r"\end{tabular}",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a & b", r"a \& b"),
        ("50% of $x^2", r"50\% of \$x\textasciicircum{}2"),
        ("\\", r"\textbackslash{}"),
    ],
)
def test_what_latex_takes_for_its_own_is_escaped(text, expected):
    assert as_latex(text) == expected
