"""The plan in a reproduction's folder, also as earlier versions wrote it."""

import pytest

from mnistlab.reproduce.planned import read_plan
from mnistlab.store.report_dir import ReportDir

PLAN = """\
name: mine
budget: default
{folders}: [20261121-160000-report-a]
report:
  title: A title
  source: A report
  setting: Few images.
  experiments: {{one: {{}}}}
  tables: []
experiments:
  one: {{sweep: {{seeds: 1}}, {length}: {{epochs: 3, images: 60, validation: 0}}}}
"""


@pytest.mark.parametrize(
    ("folders", "length"), [("earlier_folders", "full_length"), ("together", "whole")]
)
def test_a_plan_is_read_by_the_keys_of_this_version_and_of_earlier_ones(tmp_path, folders, length):
    report_dir = ReportDir(tmp_path)
    report_dir.plan.write_text(PLAN.format(folders=folders, length=length))

    plan = read_plan(report_dir)

    assert plan.earlier_folders == ("20261121-160000-report-a",)
    assert plan.experiments["one"].full_length.epochs == 3
