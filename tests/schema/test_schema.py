"""A few rounds of `schema_rounds.py`: whatever the schema allows trains, resumes and evaluates."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROUNDS = 20


@pytest.mark.long
def test_any_valid_configuration_runs_and_any_invalid_one_exits_2(tmp_path):
    # Interpreted: the draws need nearly every kernel, and compiling them all takes minutes.
    environment = {
        "NUMBA_DISABLE_JIT": "1",
        "MNISTLAB_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tools.schema_rounds", "--rounds", str(ROUNDS)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = {what: int(n) for what, n in re.findall(r"^(.+): (\d+)$", done.stdout, re.M)}
    ended = sum(counts.get(f"valid: {how}", 0) for how in ("finished", "stopped_early", "diverged"))
    assert ended > ROUNDS / 2
    assert counts["valid: resumed"] > ROUNDS / 5
    assert counts["invalid: exit code 2"] > ROUNDS / 2
