"""Every command of README.md, typed by somebody who has the wheel alone.

`python tools/readme_tour.py [FOLDER]` builds the source distribution, and the wheel from it,
installs the wheel into a new environment, and runs in an empty folder outside the clone what
README.md shows: the lines of its blocks and the commands within its text, in their order.
FOLDER/tour.log has all that they print. It needs the package `build`, a connection for pip and the
dataset (or MNISTLAB_DATA_DIR), and half an hour.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
MOST_SECONDS = 1800
FIRST = "mnistlab examples ."
VIEW = "mnistlab view"
FEW = "{} training.epochs=1 data.train_limit=2000"
PICTURES = "my-images/{train,test}/7"
# What is typed instead of some commands, `{}`, since they take minutes or have no fixed form.
# Nothing: it is for a clone alone.
INSTEAD = {
    "source .venv/bin/activate": "",
    "bash .ci/run": "",
    "python -m benchmarks.run": "",
    "mnistlab train": "mnistlab train runs/latest/config.yaml --name again",
    "mnistlab train configs/mnist-cnn.yaml": FEW,
    "mnistlab resume runs/latest training.epochs=40": "mnistlab train configs/quickstart.yaml "
    "lr_schedule.type=constant && {}",
    "mnistlab sweep configs/sweeps/softmax-lr-lambda.yaml": FEW,
    "mnistlab sweep configs/sweeps/softmax-stages.yaml": FEW,
    "mnistlab resume runs/latest optimizer.lr=0.01": "mnistlab sweep configs/quickstart.yaml "
    "optimizer.lr=0.1,0.05 && {}",
    "mnistlab resume": "mnistlab resume runs/latest",
    "mnistlab reproduce nielsen": "{} --quick",
    "mnistlab reproduce papers": "{} --quick",
    "mnistlab data info png --path my-images": f"mkdir -p {PICTURES} && "
    f"for folder in {PICTURES}; do cp seen/digit.png $folder; done && {{}}",
    "mnistlab init --model softmax|mlp|cnn": "for model in softmax mlp cnn; do "
    "mnistlab init $model.yaml --model $model && mnistlab check $model.yaml || exit; done",
    "mnistlab warmup": "timeout 60 {} || [ $? = 124 ]",
    "NUMBA_DISABLE_JIT=1 mnistlab train …": "NUMBA_DISABLE_JIT=1 mnistlab train "
    "configs/quickstart.yaml training.epochs=1 data.train_limit=60 --no-plots",
}
SHOWN = r"```(\w+)\n(.*?)```|`((?:\w+=\w+ )?(?:mnistlab|bash|python) [^`]+)`"
OPENED = "import sys, urllib.request as web; assert b'<title>' in web.urlopen(sys.argv[1]).read()"


def shown(text: str) -> Iterator[tuple[str, str]]:
    """What README.md shows: the language of a block (or "text"), and a command or Python code."""
    for match in re.finditer(SHOWN, text, re.DOTALL):
        language, block, within = match.groups()
        if within:
            yield "text", within
        elif language == "python":
            yield language, block
        else:
            for line in block.splitlines():
                command = re.sub(r"\s+# .*", "", line.removeprefix("$ "))
                is_typed = language == "bash" or line.startswith("$ ")
                if is_typed and not command.startswith((".venv/", "python3 -m venv")):
                    yield language, command


def view(**how: Any) -> int:
    """The exit code of `mnistlab view`: its address is opened, then Ctrl-C ends it."""
    command = [*VIEW.split(), "--no-browser", "--quiet"]
    with subprocess.Popen(command, **how | {"stdout": subprocess.PIPE, "text": True}) as process:
        address = process.stdout.readline().strip()  # type: ignore[union-attr]
        opened = subprocess.run(["python", "-c", OPENED, address], **how).returncode
        process.send_signal(signal.SIGINT)
        return opened or process.wait() % 130


def typed(language: str, command: str, **how: Any) -> int:
    if command == VIEW:
        return view(**how)
    shell = "python" if language == "python" else "bash"
    return subprocess.run([shell, "-c", command], **how, timeout=MOST_SECONDS).returncode


def installed(folder: Path) -> dict[str, str]:
    """Install the wheel below a folder: the environment in which it is found."""
    build = [sys.executable, "-m", "build", "--outdir", folder / "dist", REPOSITORY]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    subprocess.run([folder / "venv/bin/pip", "install", "--quiet", wheel], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = f"{folder / 'venv/bin'}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "HOME": str(folder), "MNISTLAB_CACHE_DIR": str(folder / "cache")}
    return {**environment, **own, "MPLBACKEND": "Agg"}


def main(folder: Path) -> int:
    """The number of commands that failed."""
    home, failed = folder / "home", 0
    home.mkdir(parents=True)
    environment = installed(folder)
    commands = [("text", FIRST), *shown((REPOSITORY / "README.md").read_text(encoding="utf-8"))]
    seen = {command for language, command in commands if language != "text"}
    with (folder / "tour.log").open("wb", buffering=0) as log:
        how = {"cwd": home, "env": environment, "stdout": log, "stderr": log}
        for language, command in commands:
            line = INSTEAD.get(command, "{}").replace("{}", command)
            if not line or (language == "text" and command in seen):
                continue
            seen.add(command)
            log.write(f"\n$ {line}\n".encode())
            begun = time.monotonic()
            code = typed(language, line, **how)
            is_wrong = code != (2 if "lrr" in line else 0)  # the mistake that README.md shows
            failed += is_wrong
            took = f"{time.monotonic() - begun:4.0f} s  {'WRONG ' * is_wrong}"
            print(f"{took}exit code {code}  {line}", flush=True)
    print(f"{failed} failed; what all printed: {folder / 'tour.log'}")
    return failed


if __name__ == "__main__":
    sys.exit(min(1, main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp()).resolve())))
