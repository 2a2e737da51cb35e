import json

import numpy as np
import onnxruntime
import pytest
from cli_helpers import mnistlab
from safetensors.numpy import load_file

from mnistlab.export.formats import FORMATS


@pytest.fixture
def run_dir(home):
    run = mnistlab("train", "tiny.yaml", "training.epochs=1", "--no-plots", "--quiet", "--json")
    return home / run.document["run_dir"]


def test_an_onnx_model_is_written_into_the_run_with_a_report_of_the_comparison(run_dir, home):
    outcome = mnistlab("export", run_dir, "--format", "onnx")
    assert outcome.exit_code == 0
    assert outcome.stdout == f"{run_dir}/model.onnx\n"
    compared, wrote = outcome.stderr.splitlines()[-2:]
    assert compared.startswith(
        "on the 360 test images of digits onnxruntime and mnistlab give the same"
    )
    assert wrote == f"wrote {run_dir.relative_to(home)}/model.onnx, opset 17"
    session = onnxruntime.InferenceSession(
        run_dir / "model.onnx", providers=["CPUExecutionProvider"]
    )
    (image,) = session.get_inputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["N", 28, 28])


def test_programs_read_one_document(run_dir, home):
    arguments = ("--format", "onnx", "--pixels", "float32", "--output", "a.onnx", "--json")
    document = mnistlab("export", run_dir, *arguments).document
    assert document["file"] == str(home / "a.onnx")
    assert (document["format"], document["opset"]) == ("onnx", 17)
    assert document["checked_images"] == 360
    assert 0 <= document["largest_difference"] < 1e-5
    session = onnxruntime.InferenceSession(home / "a.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].type == "tensor(float)"
    assert mnistlab("export", run_dir, *arguments).document == document  # an export, replaced


def test_the_printed_python_names_the_file_that_was_written(run_dir, home):
    outcome = mnistlab("export", run_dir, "--format", "safetensors", "--output", "w.safetensors")
    compile(outcome.stdout, "snippet", "exec")
    assert f"load_file('{home}/w.safetensors')" in outcome.stdout
    assert set(load_file(home / "w.safetensors")) == {"1.weight", "1.bias", "3.weight", "3.bias"}
    again = mnistlab("export", run_dir, "--format", "safetensors", "--json").document
    assert again["snippet"].count("nn.Linear") == 2


def test_an_npz_of_the_best_weights(run_dir):
    outcome = mnistlab("export", run_dir, "--format", "npz", "--weights", "best", "--quiet")
    assert (outcome.stdout, outcome.stderr) == (f"{run_dir}/model.npz\n", "")
    best = load_file(run_dir / "checkpoints" / "best.safetensors")
    with np.load(run_dir / "model.npz") as file:
        assert set(file) == {*best, "pixel_scale", "pixel_offset", "class_names"}
        for name, tensor in best.items():
            np.testing.assert_array_equal(file[name], tensor)


def test_an_exported_npz_starts_another_run(run_dir):
    mnistlab("export", run_dir, "--format", "npz")
    init = ("init.type=file", f"init.path={run_dir}/model.npz", "training.epochs=1")
    again = mnistlab("train", "tiny.yaml", *init, "optimizer.lr=1e-12", "--no-plots", "--json")
    first = json.loads((run_dir / "run.json").read_text())["metrics"]
    assert again.document["metrics"]["test_accuracy"] == first["test_accuracy"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "--format", "onnx"), "nowhere: no such run folder"),
        (
            ("{run}", "--format", "pmml"),
            "Invalid value for '--format': found 'pmml', must be one of npz, onnx, safetensors",
        ),
        (("{run}",), "Missing option '--format'"),
        (("{run}", "--format", "npz", "--output", "no/a.npz"), "no/a.npz: cannot be written"),
        (("{run}", "--format", "npz", "--output", "{run}"), "is a folder; name the file to write"),
        (
            ("{run}", "--format", "safetensors", "--output", "{run}/weights.safetensors"),
            "weights.safetensors: is a file of a run, and is not overwritten",
        ),
    ],
)
def test_a_mistake_is_reported_and_nothing_is_written(run_dir, arguments, said):
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")}
    outcome = mnistlab("export", *(argument.format(run=run_dir) for argument in arguments))
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")} == before


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_is_renewed_and_any_other_file_needs_force(run_dir, home, format):
    arguments = ("--format", format, "--output", "mine", "--quiet")
    for weights in ("final", "best"):
        assert mnistlab("export", run_dir, *arguments, "--weights", weights).exit_code == 0
    (home / "mine").write_bytes((home / "mine").read_bytes() + b"\0")
    edited = (home / "mine").read_bytes()
    outcome = mnistlab("export", run_dir, *arguments)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"{home}/mine: exists and was not written by mnistlab")
    assert (home / "mine").read_bytes() == edited
    assert mnistlab("export", run_dir, *arguments, "--force").exit_code == 0
    assert (home / "mine").read_bytes() != edited


def test_several_runs_go_to_a_tracker_and_one_network_to_a_file(run_dir, home):
    outcome = mnistlab("export", run_dir, run_dir, "--format", "tensorboard", "--json")
    folder = run_dir.parent / "tensorboard"
    assert outcome.document == {"format": "tensorboard", "folder": str(folder), "runs": 2}
    assert list(folder.glob(f"{run_dir.name}/events.out.tfevents.*"))
    refused = mnistlab("export", run_dir, run_dir, "--format", "npz")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "npz: is a format of one network; found 2 runs\n",
    )


@pytest.mark.parametrize(
    "option", [("--weights", "best"), ("--pixels", "float32"), ("--force",)], ids=" ".join
)
def test_a_tracker_takes_no_options_of_networks(run_dir, option):
    outcome = mnistlab("export", run_dir, "--format", "tensorboard", *option)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"{option[0]}: is for networks;")
    assert not (run_dir.parent / "tensorboard").exists()


def test_an_unknown_tracker_is_refused_before_anything_is_trained(home):
    outcome = mnistlab("train", "tiny.yaml", "--track", "paper")
    assert outcome.exit_code == 2
    assert "found 'paper', must be mlflow or tensorboard" in outcome.stderr
