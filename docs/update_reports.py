"""Put what `mnistlab reproduce` has measured into docs/reports.md, with two figures a report.

    python -m docs.update_reports runs/20261121-160000-report-a runs/20261121-160000-report-b …

The report.md of each folder goes between the marks of its report, its first figures to docs/images.
"""

import re
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from docs.page import PAGE, replaced
from mnistlab.reproduce.planned import read_plan
from mnistlab.store.report_dir import ReportDir
from mnistlab.support.durable import write_file

IMAGES = PAGE.parent / "images"
FIGURES = 2
COLOURS = 64  # of a figure: a third of the bytes, and nothing to be seen of it


def main(folders: list[Path]) -> None:
    """Renew the part of each report that was reproduced in one of these folders."""
    if not folders:
        sys.exit("give the folders of reports reproduced: runs/…-report-a …")
    page = PAGE.read_text(encoding="utf-8")
    for folder in folders:
        name = read_plan(ReportDir(folder)).name
        page = replaced(
            page, f"report {name}", part_of(ReportDir(folder), f"report-{name}", IMAGES)
        )
    write_file(PAGE, page)


def part_of(report_dir: ReportDir, name: str, images: Path) -> str:
    """A report.md as a part of a larger page: its title left out, its tables two levels lower, its
    first figures put into the folder `images` under `name`.
    """
    lines, figures = ["### Stated and measured"], 0
    for line in report_dir.markdown.read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("<!-- mnistlab sha256 "):  # of the file, which this page is not
            continue
        figure = re.fullmatch(r"!\[(.*)\]\((.*)\)", line)
        if figure is None:
            lines.append(re.sub(r"^## ", "#### ", line))
        elif figures < FIGURES:
            figures += 1
            image = f"{name}-{figures}.png"
            (images / image).write_bytes(in_few_colours(report_dir.path / figure[2]))
            lines.append(f"![{figure[1]}](images/{image})")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def in_few_colours(figure: Path) -> bytes:
    """A figure in fewer bytes."""
    few = BytesIO()
    with Image.open(figure) as image:
        reduced = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        reduced.save(few, "PNG", optimize=True)
    return few.getvalue()


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
