"""A sweep's page: the question, the ranking of ranking.csv, the stages, the best run."""

import csv
import re

from report_helpers import SWEEP, shown, swept
from test_run_report import words

STAGES = """\
name: in-stages
run: {data: {source: digits, train_limit: 200}, model: {type: softmax}, training: {epochs: 2}}
stages:
  - {name: plain, parameters: {optimizer.lr: [0.1, 0.01]}}
  - {name: l2, from: plain, parameters: {regularization.l2: [0.001, 0.1]}}
refit: [plain, l2]
"""


def rows_of(text, table):
    """A table of the page as rows of (text, value) cells."""
    body = text[text.index(f'id="{table}"') :].split("<tbody>")[1].split("</tbody>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)
    cell = r'<td[^>]*data-value="([^"]*)"[^>]*>(.*?)</td>'
    return [[(words(c), value) for value, c in re.findall(cell, row, re.S)] for row in rows]


def test_the_question_and_its_answer_come_first(sweep_dir, sweep_page):
    text = shown(sweep_page)
    question, answer = re.findall(r'<p class="lead">(.*?)</p>', text, re.S)
    assert question == "Which of 4 values of optimizer.lr gives the highest validation accuracy?"
    with (sweep_dir / "ranking.csv").open() as file:
        first = next(csv.DictReader(file))
    accuracy = f"{100 * float(first['val_accuracy_mean']):.2f} %"
    assert answer.startswith(f"optimizer.lr = {first['optimizer.lr']}: {accuracy}.")


def test_the_ranking_is_that_of_the_sweep(sweep_dir, sweep_page):
    rows = rows_of(shown(sweep_page), "table-1")
    with (sweep_dir / "ranking.csv").open() as file:
        ranking = list(csv.DictReader(file))
    for row, expected in zip(rows, ranking, strict=True):
        assert row[0][1] == expected["rank"]
        assert row[1][1] == expected["val_accuracy_mean"]
        assert row[2] == (expected["optimizer.lr"],) * 2
    assert rows[-1][0] == ("–", "")
    assert rows[-1][-1][0] == "1 diverged"


def test_the_page_leads_to_the_trials_and_to_a_page_of_the_chosen_one(sweep_dir, sweep_page):
    text = shown(sweep_page)
    chosen = re.search(r'id="chosen" href="([^"]+)"', text)[1]
    assert (sweep_dir / chosen).samefile(sweep_dir / "best" / "report.html")
    trials = re.findall(r'<a href="(trials/[^"]+)"', text)
    assert len(trials) == 4
    assert all((sweep_dir / link).exists() for link in trials)


def test_each_stage_has_its_question_and_the_winners_are_not_ranked_by_the_test_set(tmp_path):
    folder = swept(tmp_path, STAGES)
    text = shown(folder / "report.html")
    seen = words(text)
    assert "A choice in 2 stages: plain, then l2." in seen
    assert re.search(r"Chosen: the winner of \w+, .*, trained again on training and", seen)
    assert "Starts from the winner of plain. Which of 2 values of regularization.l2" in seen
    rows = rows_of(text, "table-refits")
    assert [row[0][0] for row in rows] == ["plain", "l2"]
    assert rows[0][3] == ("–", "")
    table = text[text.index('id="table-refits"') :].split("</table>")[0]
    assert "rank" not in table
    assert 'class="best"' not in table
    assert len(text) < 4_000_000
    linked = contents(text)
    assert len(set(linked)) == len(linked)  # those of two stages are told apart
    assert {"Ranking by validation accuracy (stage plain)"} < set(linked)


def contents(page: str) -> list[str]:
    """What the list of contents calls the figures."""
    return re.findall(r'<li class="inner"><a href="#[^"]+">([^<]*)</a>', page)


def test_the_contents_call_a_figure_as_its_heading_does(sweep_page, run_page):
    for page in map(shown, (sweep_page, run_page)):
        headings = re.findall(r"<h3>([^<]*)</h3>\n<p>", page)
        assert len(headings) > 3
        assert contents(page) == headings


def test_the_answer_has_an_interval_and_says_what_the_seeds_cannot_tell(tmp_path, sweep_page):
    text = SWEEP.replace("[0.001, 1.0e+38, 0.1, 0.01]", "[0.1, 0.1001]") + "seeds: 3\n"
    page = shown(swept(tmp_path, text) / "report.html")
    assert "% over 3 seeds, 95 % interval of the mean " in page
    assert "1 other point cannot be told from it (95 %)." in page
    assert page.count(">1=</td>") == 2
    assert page.count('<tr class="best">') == 1
    assert "One seed for each point: the effect of the seed is unknown." in shown(sweep_page)


def test_the_page_names_no_value_of_a_parameter_that_a_point_does_not_have(tmp_path):
    """It wrote `optimizer.momentum = : 0.0948`, and counted the lack as a value."""
    swept_yaml = """\
name: conditional
run: {data: {source: digits, train_limit: 200}, model: {type: softmax}, training: {epochs: 1}}
parameters: {optimizer.type: [sgd, adam], optimizer.lr: [1e-9, 0.01], optimizer.momentum: [0, 0.5]}
when: {optimizer.momentum: {optimizer.type: sgd}}
exclude: [{optimizer.type: sgd, optimizer.lr: 0.01}, {optimizer.type: adam, optimizer.lr: 1e-9}]
"""
    text = shown(swept(tmp_path, swept_yaml) / "report.html")
    question, answer = re.findall(r'<p class="lead">(.*?)</p>', text, re.S)
    assert "optimizer.momentum (2 values)" in question
    assert answer.startswith("optimizer.type = adam, optimizer.lr = 0.01: ")
    titles = re.findall(r"<h3>(Trial .*?)</h3>", text) or re.findall(r"Trial \d: [^<]*", text)
    assert titles
    assert not any(re.search(r"= *(,|$)", title) for title in titles)
    assert any("optimizer.momentum = 0" in title for title in titles)
