"""Which schedulers are accepted, and the messages about the others."""

import subprocess
import sys

import pytest

from mnistlab.support.errors import UsageError
from mnistlab.sweeps.scheduler import checked_address, connected, refuse_unsafe


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("localhost:8786", "tcp://localhost:8786"),
        ("tcp://[::1]:8786", "tcp://[::1]:8786"),
        ("tls://cluster.example.org:8786/", "tls://cluster.example.org:8786"),
    ],
)
def test_an_address_on_this_machine_or_encrypted_is_taken(given, address):
    assert checked_address(given) == address


@pytest.mark.parametrize("given", ["10.0.0.5:8786", "tcp://node7:8786", "localhost.evil.org:1"])
def test_an_address_in_the_clear_is_refused_with_two_ways_to_go(given):
    with pytest.raises(UsageError) as caught:
        checked_address(given)
    host = given.removeprefix("tcp://").partition(":")[0]
    told = str(caught.value)
    assert "neither on this machine nor encrypted" in told
    assert f"tls://{host}:" in told
    assert "ssh -L" in told
    assert "docs/cluster.md" in told


@pytest.mark.parametrize(
    "given", ["", "here", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:99999", "ws://127.0.0.1:1"]
)
def test_what_is_no_address_is_refused(given):
    with pytest.raises(UsageError, match="must be local, or the address of a scheduler"):
        checked_address(given)


def test_a_scheduler_or_worker_that_others_can_reach_is_refused():
    refuse_unsafe("tcp://127.0.0.1:8786", "a worker", "tcp://127.0.0.1:40001")
    refuse_unsafe("tls://node7:8786", "a worker", "tls://10.0.0.5:40001")
    with pytest.raises(UsageError, match=r"a worker .* listens at tcp://10\.0\.0\.5:40001"):
        refuse_unsafe("tcp://127.0.0.1:8786", "a worker", "tcp://10.0.0.5:40001")


def test_tls_without_certificates_names_the_settings_that_lack(monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CA_FILE", "/nowhere/ca.pem")
    with (
        pytest.raises(UsageError, match="DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT"),
        connected("tls://127.0.0.1:8786", None),
    ):
        pass


def test_without_dask_the_command_to_install_it_is_printed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(UsageError, match=r"pip install 'mnistlab\[cluster\]'"),
        connected("local", 1),
    ):
        pass


def test_a_worker_of_dask_does_not_import_numba_itself():
    """Its trials run in processes whose threads are set before numba is imported."""
    code = "import mnistlab.sweeps.remote, sys; print('numba' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
