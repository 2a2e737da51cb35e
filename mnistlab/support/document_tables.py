"""Tables as documents have them: Markdown and LaTeX."""

import re
from collections.abc import Collection, Sequence

from mnistlab.support.safe_text import as_markdown, one_line

Rows = Sequence[Sequence[str]]  # the heading first

# What LaTeX takes for its own, by what it writes for it.
LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "–": "--",
    "…": r"\dots{}",
    "×": r"$\times$",
}


def markdown_table(rows: Rows, right: Collection[int] = ()) -> str:
    """Rows as a Markdown table; the columns `right` are aligned to the right."""
    marks = ["---:" if column in right else "---" for column, _ in enumerate(rows[0])]
    head, *body = [" | ".join(map(as_markdown, row)) for row in rows]
    return "\n".join(f"| {line} |" for line in (head, " | ".join(marks), *body))


def latex_table(rows: Rows, right: Collection[int] = ()) -> str:
    """Rows as a LaTeX tabular, which needs no package."""
    columns = "".join("r" if column in right else "l" for column, _ in enumerate(rows[0]))
    head, *body = [" & ".join(map(as_latex, row)) + r" \\" for row in rows]
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\hline", head, r"\hline", *body, r"\hline"]
    return "\n".join([*lines, r"\end{tabular}"])


def as_latex(text: str) -> str:
    """The text as LaTeX that shows it unchanged."""
    # A line that begins with [ would be an argument of the \\ before it.
    escaped = re.sub(r".", lambda found: LATEX.get(found[0], found[0]), one_line(text))
    return f"{{{escaped}}}" if escaped.startswith("[") else escaped
