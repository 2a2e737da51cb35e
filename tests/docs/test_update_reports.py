"""The part of docs/reports.md that a reproduction fills."""

import io

from PIL import Image

from docs.page import PAGE, replaced
from docs.update_reports import COLOURS, FIGURES, part_of
from mnistlab.reproduce.known import known
from mnistlab.store.report_dir import ReportDir

MARKDOWN = """\
# A: a title

`mnistlab reproduce a` took 2 min. On a machine.

## A table

| lr | test accuracy |
| --- | ---: |
| 0.1 | 90.00% |

![One](plots/one.png)

![Two](plots/two.png)

![Three](plots/three.png)
"""


def test_the_page_has_a_place_for_every_report():
    page = PAGE.read_text(encoding="utf-8")
    for one in known("reports"):
        assert "the tables" in replaced(page, f"report {one.name}", "the tables")


def test_a_part_has_the_tables_a_level_that_fits_and_the_first_figures(tmp_path):
    folder, images = ReportDir(tmp_path / "run"), tmp_path / "images"
    folder.plots.mkdir(parents=True)
    images.mkdir()
    for shade, name in enumerate(("one", "two", "three")):
        Image.radial_gradient("L").point(lambda v, s=shade: v // (s + 1)).save(
            folder.plots / f"{name}.png"
        )
    folder.markdown.write_text(MARKDOWN)

    part = part_of(folder, "report-a", images)

    assert part.startswith("### Stated and measured\n\n`mnistlab reproduce a` took 2 min.")
    assert "\n#### A table\n\n| lr | test accuracy |" in part
    assert part.endswith("![Two](images/report-a-2.png)")
    found = sorted(path.name for path in images.iterdir())
    assert found == [f"report-a-{place}.png" for place in range(1, FIGURES + 1)]
    with Image.open(io.BytesIO((images / "report-a-2.png").read_bytes())) as image:
        assert len(image.getcolors()) <= COLOURS
        assert max(value for _, value in image.convert("L").getcolors()) <= 130
