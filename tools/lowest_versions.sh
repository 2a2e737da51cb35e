#!/usr/bin/env bash
# Tries the lowest versions that pyproject.toml promises, in a new environment: bash tools/lowest_versions.sh
# All extras of users are tried, too. It needs uv (https://docs.astral.sh/uv), which alone can choose
# them, and takes some minutes: its kernels are compiled anew.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
export MPLBACKEND=Agg MNISTLAB_CACHE_DIR="$scratch/cache"
# Trackers need newer versions of what other extras take, too: they have their own environment.
uv venv --quiet --python 3.11 venv
uv pip install --quiet --python venv/bin/python --resolution lowest-direct "$root[cluster,export,parquet,search,view]"
uv pip list --python venv/bin/python
uv venv --quiet --python 3.11 tracking
uv pip install --quiet --python tracking/bin/python --resolution lowest-direct "$root[tracking,wandb]"
uv pip list --python tracking/bin/python

run() { echo "== mnistlab $*"; venv/bin/mnistlab "$@"; }
run train "$root/configs/quickstart.yaml" --quiet
run train "$root/configs/quickstart.yaml" model.type=cnn 'model.layers=[{conv: {filters: 4, kernel: 3}}, {activation: relu}, flatten]' lr_schedule.type=constant training.epochs=2 --quiet
run resume runs/latest training.epochs=3 --quiet
run sweep "$root/configs/quickstart.yaml" optimizer.lr=0.1,0.05 training.epochs=2 --quiet
run sweep "$root/configs/quickstart.yaml" 'optimizer.lr={loguniform: [1e-3, 1]}' 'method={type: tpe, trials: 4}' training.epochs=2 --quiet
run sweep "$root/configs/quickstart.yaml" 'optimizer.lr={loguniform: [1e-3, 1]}' 'optimizer.momentum={uniform: [0, 0.9]}' 'method={type: cma, trials: 4}' training.epochs=2 --quiet
run sweep "$root/configs/quickstart.yaml" optimizer.lr=0.1,0.05 training.epochs=2 --scheduler local --quiet
tracking/bin/mnistlab train "$root/configs/quickstart.yaml" --track tensorboard --track mlflow --no-plots --quiet 2>&1 | tee told
[ "$(wc -l <told)" = 1 ]  # the path of the run: no library adds messages of its own
tracking/bin/mnistlab export runs/latest --format wandb-offline
run export runs/latest --format onnx
run evaluate runs/latest
run predict runs/latest "$root/examples/digit.png"
run visualize runs/latest --force
run runs
run compare runs
echo "== examples/tour.py"
venv/bin/python "$root/examples/tour.py"
echo "== a dataset of Parquet files"
venv/bin/python - <<'CODE'
import io
from pathlib import Path

import pyarrow
import pyarrow.parquet
from PIL import Image

import mnistlab


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return {"bytes": file.getvalue()}


digits = mnistlab.load_dataset("digits")
Path("parquet").mkdir()
for part in ("train", "test"):
    images, labels = getattr(digits, f"{part}_images"), getattr(digits, f"{part}_labels")
    table = {"image": [png(image) for image in images], "label": labels.tolist()}
    pyarrow.parquet.write_table(pyarrow.table(table), f"parquet/{part}-00000.parquet")
CODE
run train "$root/configs/quickstart.yaml" data.source=parquet data.path="$PWD/parquet" --quiet

echo "== mnistlab view"
coproc view { exec venv/bin/mnistlab view --no-browser --quiet 2>&1; }
pid="$view_PID"  # bash takes the variable away when the process has ended
read -r -t 60 address <&"${view[0]}"
venv/bin/python -c 'import sys, urllib.request as web; assert b"<title>" in web.urlopen(sys.argv[1]).read()' "$address"
kill -INT "$pid"
wait "$pid" || [ $? = 130 ]
