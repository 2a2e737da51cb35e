"""The settings that affect rounding are recorded, wherever they were set."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnistlab.runtime.arithmetic import arithmetic

PACKAGE_PARENT = str(Path(__file__).parents[2])
PROGRAM = """
import json
from mnistlab.runtime.arithmetic import arithmetic
from mnistlab.runtime.compiler import kernel_cache_dir
print(json.dumps([arithmetic(), kernel_cache_dir().name]))
"""
REGISTER = "from mnistlab.runtime.vectors import REGISTER; print(REGISTER)"


def in_a_process(folder: Path, variables: dict[str, str], config: str = "", program: str = PROGRAM):
    """The output of a program in a process started in `folder`.

    `PROGRAM` prints `arithmetic()` and the name of the cache folder.
    """
    folder.mkdir()
    if config:
        (folder / ".numba_config.yaml").write_text(config)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    cache = {"MNISTLAB_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": PACKAGE_PARENT}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**plain, **cache, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The output of a process without settings."""
    return in_a_process(tmp_path_factory.mktemp("settings") / "plain", {})


def test_it_is_made_of_jsons_types_and_names_the_processor():
    found = arithmetic()
    assert json.loads(json.dumps(found)) == found
    assert found["processor"]["name"]
    assert found["processor"]["features"]


@pytest.mark.parametrize(
    ("key", "value", "variables", "config"),
    [
        ("interpreted", True, {"NUMBA_DISABLE_JIT": "1"}, "disable_jit: 1"),
        ("optimization", "1", {"NUMBA_OPT": "1"}, "opt: '1'"),
        ("slp_vectorize", True, {"NUMBA_SLP_VECTORIZE": "1"}, "slp_vectorize: 1"),
        ("avx", False, {"NUMBA_ENABLE_AVX": "0"}, "enable_avx: 0"),
    ],
)
def test_a_setting_is_recorded_and_has_a_cache_of_its_own(
    tmp_path, plain, key, value, variables, config
):
    unset, cache = plain
    assert unset["settings"][key] != value
    by_variable = in_a_process(tmp_path / "variable", variables)
    by_file = in_a_process(tmp_path / "file", {}, config)
    assert by_variable == by_file
    assert by_file[0]["settings"][key] == value
    assert by_file[1] != cache


def test_a_processor_set_for_numba_is_recorded(tmp_path, plain):
    found, cache = in_a_process(tmp_path / "told", {"NUMBA_CPU_NAME": "generic"})
    unset, plain_cache = plain
    assert found["processor"]["name"] == "generic" != unset["processor"]["name"]
    assert cache != plain_cache


def test_the_choice_of_blas_kernels_is_recorded(tmp_path):
    found, _ = in_a_process(tmp_path / "told", {"OPENBLAS_CORETYPE": "Haswell"})
    assert found["settings"]["OPENBLAS_CORETYPE"] == "Haswell"


@pytest.mark.parametrize(("features", "register"), [("+avx2,+fma", 8), ("+avx512f,+fma", 16)])
def test_a_vector_fills_a_register_of_the_processor_set_for_numba(tmp_path, features, register):
    variables = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    assert in_a_process(tmp_path / "told", variables, program=REGISTER) == register
