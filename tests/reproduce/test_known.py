"""The names that stand for reports and papers."""

import json

import pytest

from mnistlab.reproduce import known as known_module
from mnistlab.reproduce.known import known, load_all, load_report
from mnistlab.support.errors import ConfigError, UsageError

MANIFEST = """\
title: A title
source: A source
setting: A setting
experiments: {alone: {}}
tables: [{title: A table, experiment: alone}]
"""


@pytest.fixture
def folders(tmp_path, monkeypatch):
    for name in ("reports/a", "reports/same", "papers/same", "papers/nobody"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "report.yaml").write_text(MANIFEST)
    monkeypatch.setattr(known_module, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folders")
def test_a_name_alone_is_enough_unless_two_have_it():
    assert load_report("nobody").kind == load_report("papers/nobody").kind == "paper"
    assert load_report("a").kind == load_report("reports/same").kind == "report"
    with pytest.raises(UsageError, match="write reports/same or papers/same"):
        load_report("same")
    with pytest.raises(UsageError, match=r"reports \(a, same\), papers \(nobody, same\)"):
        load_report("papers/a")


def test_a_group_has_all_its_folders_in_order(folders):
    assert [one.name for one in known("papers")] == ["nobody", "same"]
    assert [one.name for one in load_all("all")] == ["a", "same", "nobody", "same"]
    (folders / "papers" / "nobody" / "report.yaml").unlink()
    assert [one.name for one in known("papers")] == ["same"]


@pytest.mark.parametrize("group", ["all", "papers", "reports"])
def test_a_group_without_any_is_an_error_that_says_so(group, tmp_path, monkeypatch):
    monkeypatch.setattr(known_module, "FOLDER", tmp_path)
    with pytest.raises(UsageError, match=f"{group}: this installation of mnistlab has none"):
        load_all(group)


def test_a_teacher_must_be_an_earlier_experiment(folders):
    manifest = folders / "reports" / "a" / "report.yaml"
    manifest.write_text(MANIFEST.replace("{alone: {}}", "{alone: {teacher: later}, later: {}}"))
    with pytest.raises(ConfigError, match="must be an earlier experiment: none"):
        load_report("a")


def test_the_list_has_reports_and_papers_apart_with_their_minutes(capsys):
    from mnistlab.cli.app import app

    with pytest.raises(SystemExit):
        app(["reproduce", "--list"], prog_name="mnistlab")
    text = capsys.readouterr().out
    reports, papers = text.split("\npapers: ")
    assert reports.startswith("reports: `mnistlab reproduce reports` runs all, about ")
    assert "\na " in reports
    assert "\nnielsen " in papers
    with pytest.raises(SystemExit):
        app(["reproduce", "--list", "--json"], prog_name="mnistlab")
    document = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in document["reports"]] == list("abcde")
    assert all(one["minutes"]["default"] > 0 for one in document["papers"])
