import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import mnistlab


def test_every_exported_name_exists_and_has_a_docstring():
    for name in mnistlab.__all__:
        assert getattr(mnistlab, name) is not None
        assert name in dir(mnistlab)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        mnistlab.nothing  # noqa: B018


def test_the_sweep_can_be_called_whatever_was_imported_before():
    import mnistlab.sweeps.results

    with pytest.raises(mnistlab.ConfigError, match=r"nowhere\.yaml: no such file"):
        mnistlab.sweep("nowhere.yaml")


def test_importing_the_package_imports_nothing_of_weight():
    code = "import sys, mnistlab; print(*{name.partition('.')[0] for name in sys.modules})"
    package = Path(mnistlab.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=package, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "mnistlab" in loaded
    assert not loaded & {"numpy", "pandas", "numba", "sklearn", "matplotlib", "pydantic", "yaml"}


def test_the_package_is_marked_as_typed():
    assert (resources.files("mnistlab") / "py.typed").is_file()
