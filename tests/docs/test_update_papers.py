"""docs/papers.md: what is left to run, and the page of what was measured."""

import re

import pytest

from docs import update_papers
from docs.update_papers import commands_left, main, newest_ended
from mnistlab.cli.app import app
from mnistlab.reproduce import known as known_module
from mnistlab.reproduce.known import known
from mnistlab.store.report_dir import ReportDir

MANIFEST = """\
title: A Paper | of 2001
source: Table 1
setting: Few digits.
minutes: {{default: 99, full: 99}}
optional: {optional}
quick: {{training.epochs: 1}}
experiments: {{rates: {{seeds: 2, budget: {{training.epochs: 1}}}}}}
tables: [{{title: Rates, experiment: rates, finding: The share explains it.}}]
figures: [{{experiment: rates, figure: table, caption: Both rates}}]
"""
RATES = """\
run:
  name: tiny
  data: {source: digits, train_limit: 60, validation: 0}
  model: {type: softmax}
  training: {epochs: 2, batch_size: 10}
parameters: {optimizer.lr: [0.1, 0.001]}
metric: {name: test_accuracy}
reference:
  - {parameters: {optimizer.lr: 0.1}, source: Table 1, test_accuracy: 0.0500}
"""


@pytest.fixture
def papers(tmp_path, monkeypatch, trials_here):
    published = tmp_path / "published"
    for name, optional in (("one", "false"), ("two", "false"), ("three", "true")):
        folder = published / "papers" / name
        folder.mkdir(parents=True)
        (folder / "report.yaml").write_text(MANIFEST.format(optional=optional))
        (folder / "rates.yaml").write_text(RATES)
    page = tmp_path / "papers.md"
    page.write_text("# Papers\n\n<!-- papers -->\n\n<!-- /papers -->\n")
    images = tmp_path / "images"
    images.mkdir()
    monkeypatch.setattr(known_module, "FOLDER", published)
    monkeypatch.setattr(update_papers, "PAGE", page)
    monkeypatch.setattr(update_papers, "IMAGES", images)
    return tmp_path


def reproduce(*arguments):
    with pytest.raises(SystemExit) as end:
        app(["reproduce", *map(str, arguments), "--quiet", "--workers", "1"], prog_name="mnistlab")
    assert end.value.code == 0


def test_what_is_left_is_resumed_and_what_was_never_begun_is_run(papers):
    runs = papers / "runs"
    assert commands_left(runs) == [["reproduce", "papers", "--runs-dir", str(runs)]]
    reproduce("one", "two", "--quick", "--runs-dir", runs)
    assert commands_left(runs) == [["reproduce", "papers", "--runs-dir", str(runs)]]
    reproduce("one", "two", "--runs-dir", runs)
    assert commands_left(runs) == []  # the optional one was left out on purpose
    one, two = (found.report_dir for found in newest_ended(runs).values())
    # Stopped before the page of the first was written: the last folder resumes both.
    one.markdown.unlink()
    assert commands_left(runs) == [["resume", str(two.path)]]
    assert list(newest_ended(runs)) == ["two"]
    for path in sorted(two.path.rglob("*"), reverse=True):
        path.unlink() if path.is_file() or path.is_symlink() else path.rmdir()
    two.path.rmdir()
    assert commands_left(runs) == [
        ["resume", str(one.path)],
        ["reproduce", "papers/two", "--runs-dir", str(runs)],
    ]


def test_the_page_has_each_stated_value_beside_the_measured_one_and_its_share(papers):
    runs = papers / "runs"
    reproduce("one", "--runs-dir", runs)
    main([str(runs), "--page"])
    page = (papers / "papers.md").read_text()
    (found,) = newest_ended(runs).values()
    first = found.rows["rates"][0].metrics["test_accuracy"]
    measured = f"{100 * first.mean:.2f} ± {100 * first.half_interval:.2f} %"
    verdict = "within the interval" if first.is_within else "above"
    assert re.search(
        rf"\| \[one\]\(#a-paper--of-2001\) \| lr 0\.1 \| test accuracy \| 5\.00 % \| "
        rf"{re.escape(measured)} \| 2 \| [^|]*{verdict} \| 50 % \|",
        page,
    )
    assert page.count("| not run yet |") == 2
    assert "Not run yet: `mnistlab reproduce two`." in page
    assert "The share explains it." in page
    assert "](images/paper-one-1.png)" in page
    assert (papers / "images" / "paper-one-1.png").is_file()
    minutes = known("papers")[0].load().report.minutes
    assert 0 < minutes.default <= minutes.full < 99
    main([str(runs), "--page"])
    assert (papers / "papers.md").read_text() == page


def test_one_command_runs_what_is_left_and_writes_the_page(papers):
    runs = papers / "runs"
    reproduce("one", "--runs-dir", runs)
    main([str(runs)])
    page = (papers / "papers.md").read_text()
    assert page.count("| not run yet |") == 1
    assert "Not run yet: `mnistlab reproduce three`." in page  # it is optional
    folders = sorted(runs.iterdir())
    main([str(runs)])
    assert sorted(runs.iterdir()) == folders


def test_a_folder_without_runs_and_a_scaled_down_run_leave_the_page_without_numbers(papers):
    runs = papers / "runs"
    main([str(runs), "--page"])
    empty = (papers / "papers.md").read_text()
    assert empty.count("| not run yet |") == 3
    reproduce("one", "--quick", "--runs-dir", runs)
    assert ReportDir(next(runs.glob("*-paper-one"))).markdown.exists()
    main([str(runs), "--page"])
    assert (papers / "papers.md").read_text() == empty


def test_the_page_in_the_documentation_has_every_paper():
    page = update_papers.PAGE.read_text(encoding="utf-8")
    for one in known("papers"):
        assert f"| [{one.name}](#" in page
