from pathlib import Path

import pytest
from report_helpers import swept, trained


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory) -> Path:
    return trained(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def run_page(run_dir) -> Path:
    return run_dir / "report.html"


@pytest.fixture(scope="session")
def sweep_dir(tmp_path_factory) -> Path:
    return swept(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def sweep_page(sweep_dir) -> Path:
    return sweep_dir / "report.html"
