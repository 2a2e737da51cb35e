"""Results as a table: leads, rates and shares follow from the seconds."""

import pytest

from benchmarks import tables


def peer(seconds, threads, accuracy=0.9):
    return {"seconds": seconds, "threads": threads, "accuracy": accuracy}


def row(name, **peers):
    return {
        "name": name,
        "model": "784→10",
        "batch": 32,
        "optimizer": "SGD 0.1",
        "images": 60_000,
        "flops": 3_000_000_000,
        "epochs": 6,
        "peers": {key.replace("_", "-"): value for key, value in peers.items()},
    }


@pytest.fixture
def result():
    return {
        "measured": "2026-11-21T14:00:00+00:00",
        "processor": "A Processor",
        "cpus": 2,
        "mnistlab": "0.1.0",
        "git": {"commit": "0123456789abcdef", "dirty": True},
        "versions": {"python": "3.11.7", "torch": "2.13.0", "jax": None, "rich": "13.0"},
        "rounds": 5,
        "peak_gflops": {"1": 50.0, "2": 100.0},
        "rows": [
            row("W1", torch_1=peer(0.8, 1), jax_2=peer(0.6, 2, 0.91), mnistlab_2=peer(0.1, 2)),
            row("W2", torch_1=peer(0.3, 1), jax_2=peer(0.9, 2), mnistlab_2=peer(0.2, 2)),
        ],
    }


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_lead_is_over_the_fastest_of_the_others(result):
    assert [tables.lead(one) for one in result["rows"]] == pytest.approx([6.0, 1.5])


def test_there_is_no_lead_without_others(result):
    alone = row("W1", mnistlab_2=peer(0.1, 2))
    assert tables.lead(alone) is None
    assert "Geometric mean" not in tables.rows_table(result | {"rows": [alone]})


def test_the_table_holds_seconds_lead_rate_and_share_of_the_peak(result):
    head, _, first, *_ = tables.rows_table(result).splitlines()
    found = dict(zip(cells(head), cells(first), strict=True))
    assert found["PyTorch, 1 thread"] == "0.8"
    assert found["JAX, 2 threads"] == "0.6"
    assert found["mnistlab, 2 threads"] == "0.1"
    assert found["lead"] == "**6.00**"
    assert found["images/s"] == "600,000"
    assert found["GFLOP/s"] == "30.0"
    assert found["of BLAS peak"] == "30%"
    assert found["test accuracy (epochs)"] == "PyTorch 90.00, JAX 91.00, mnistlab 90.00 (6)"


def test_the_closing_line_has_mean_and_worst(result):
    *_, closing, _, _ = tables.rows_table(result).splitlines()
    assert "leads 3.00; the least 1.50 (W2)" in closing
    assert "100 GFLOP/s on 2 threads" in closing


def test_the_last_line_has_the_machine_and_the_versions(result):
    assert tables.rows_table(result).splitlines()[-1] == (
        "Measured 2026-11-21 on A Processor, 2 processors; mnistlab 0.1.0 (commit 0123456789, "
        "changed), python 3.11.7, torch 2.13.0."
    )


def test_a_table_replaces_the_text_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- rows -->\nold\n<!-- /rows -->\nafter\n")
    tables.write(page, "rows", "| new |\n")
    tables.write(page, "rows", "| newer |\n")
    assert page.read_text() == "before\n<!-- rows -->\n\n| newer |\n\n<!-- /rows -->\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("mine\n")
    with pytest.raises(ValueError, match="<!-- rows -->"):
        tables.write(page, "rows", "| new |\n")
    assert page.read_text() == "mine\n"
