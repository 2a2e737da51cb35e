"""examples/tour.ipynb is executed: without a network, and on MNIST where it is at hand."""

from pathlib import Path

import pytest

pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

TOUR = Path(__file__).parents[2] / "examples" / "tour.ipynb"


def executed(home, **texts):
    """The cells of the tour with some texts replaced, after they were executed in a folder."""
    source = TOUR.read_text(encoding="utf-8")
    for old, new in texts.items():
        assert old in source
        source = source.replace(old, new)
    notebook = nbformat.reads(source, as_version=4)
    resources = {"metadata": {"path": str(home)}}
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=resources
    ).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_tour_is_kept_without_outputs():
    notebook = nbformat.reads(TOUR.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the libraries of Jupyter warn of their own matters
def test_every_cell_of_the_tour_shows_what_its_text_announces(home, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel sets its own
    shown = [
        (
            cell.source.splitlines()[-1],
            [set(output.get("data", {output.output_type: ""})) for output in cell.outputs],
        )
        for cell in executed(home)
    ]
    text, html, png = {"text/plain"}, {"text/plain", "text/html"}, {"text/plain", "image/png"}
    assert shown == [
        ("dataset", [html]),
        ("plt.show()", [png]),
        ("run = mnistlab.train(config)", [text]),
        ("run", [html]),
        ('run.metrics[["epoch", "train_loss", "val_loss", "val_accuracy"]].tail(3)', [html]),
        ('run.evaluate("test")', [html]),
        ('run.figure("mistakes")', [png]),
        ("!{python} -m mnistlab visualize {run.path} --only saliency --quiet", [{"stream"}]),
        ("sweep", [text, html]),
        ('mnistlab.compare([run, sweep], where="seed == 0", sort="val_accuracy")', [html]),
        ('mnistlab.compare(sweep, group_by="optimizer.lr", against=sweep.best)', [html]),
        ('mnistlab.runs(tag="tour")', [html]),
        ("plt.show()", [png]),
    ]


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.filterwarnings("default")  # the libraries of Jupyter warn of their own matters
def test_the_tour_can_be_taken_on_mnist(mnist_data_dir, home, monkeypatch):
    monkeypatch.setenv("MNISTLAB_DATA_DIR", str(mnist_data_dir))
    cells = executed(home, **{'SOURCE = \\"digits\\"': 'SOURCE = \\"mnist\\"'})
    (dataset,) = cells[0].outputs
    assert "60,000" in dataset.data["text/plain"]
