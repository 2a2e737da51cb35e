"""Connections to Dask schedulers, and the check that they are safe.

Anyone who can connect to a scheduler or a worker can run any program on it. So only connections
within one machine, or encrypted ones between holders of a certificate, are allowed.
"""

import ipaddress
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mnistlab.support.errors import UsageError

LOCAL = "local"
SECONDS_TO_CONNECT = 10
# The settings that TLS needs: distributed's key, its environment variable, its name in messages.
TLS_FILES = (
    ("tls_ca_file", "DASK_DISTRIBUTED__COMM__TLS__CA_FILE"),
    ("tls_client_cert", "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT"),
    ("tls_client_key", "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY"),
)
SETTINGS = {
    # A resumed trial's task contains its checkpoint, so large tasks are no mistake.
    "distributed.admin.large-graph-warning-threshold": "1 TB",
    # For a scheduler started here: after a suspension of the machine its worker is not lost.
    "distributed.scheduler.worker-ttl": None,
}


@dataclass(frozen=True)
class Cluster:
    """A scheduler with a connected client."""

    client: Any  # distributed.Client
    address: str
    most: int | None  # trials at a time; None: the number of its workers' threads


def checked_address(text: str) -> str:
    """An address with its protocol. Raises UsageError, with a remedy, for one that is neither on
    this machine nor encrypted.
    """
    address = text if "://" in text else f"tcp://{text}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.path not in ("", "/") or parts.scheme not in ("tcp", "tls"):
        raise UsageError(
            f"--scheduler: found {text!r}, must be local, or the address of a scheduler of Dask: "
            "127.0.0.1:8786, or tls://HOST:PORT"
        )
    if not is_safe(address):
        raise UsageError(
            f"--scheduler: {address} is neither on this machine nor encrypted, and whoever reaches "
            "a scheduler of Dask can run any program on its workers. Give scheduler, workers and "
            f"this process certificates and name it tls://{host}:{port}; or reach it through SSH, "
            f"`ssh -L {port}:127.0.0.1:{port} {host}`, as 127.0.0.1:{port}: docs/cluster.md"
        )
    return address.rstrip("/")


def is_safe(address: str) -> bool:
    """Whether connections to this address stay on this machine, or are encrypted."""
    parts = urlsplit(address)
    if parts.scheme in ("tls", "inproc"):
        return True
    host = parts.hostname or ""
    try:
        return parts.scheme == "tcp" and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return parts.scheme == "tcp" and host == "localhost"


def refuse_unsafe(cluster: str, who: str, address: str) -> None:
    """Raise UsageError if a part of a cluster accepts unencrypted connections from
    other machines.
    """
    if not is_safe(address):
        raise UsageError(
            f"--scheduler: {who} of {cluster} listens at {address}, which is neither on this "
            "machine alone nor encrypted. Start it with `--host 127.0.0.1`, or with certificates: "
            "docs/cluster.md"
        )


@contextmanager
def connected(scheduler: str | None, workers: int | None) -> Iterator[Cluster | None]:
    """A connection to the scheduler; None if no scheduler is requested.

    `scheduler`: an address, or local, for one that is started here and ends with the block; it has
    `workers` threads. Raises UsageError if Dask is not installed, if the scheduler is unsafe, or if
    it does not answer.
    """
    if scheduler is None:
        yield None
        return
    address = scheduler if scheduler == LOCAL else checked_address(scheduler)
    try:
        import dask
        import distributed  # noqa: F401 - so that its loggers are there
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--scheduler: needs {error.name}: pip install 'mnistlab[cluster]'"
        ) from error
    with dask.config.set(SETTINGS), _silent():
        if address == LOCAL:
            with _local_cluster(workers or 1) as local, _client(local.scheduler_address) as client:
                yield Cluster(client, local.scheduler_address, workers)
            return
        security = _certificates(address) if address.startswith("tls:") else None
        with _client(address, security=security) as client:
            refuse_unsafe(address, "the scheduler", client.scheduler_info()["address"])
            for worker in client.nthreads():
                refuse_unsafe(address, "a worker", worker)
            yield Cluster(client, address, workers)


@contextmanager
def _client(address: str, **options: Any) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False, **options)
    except OSError as error:
        raise UsageError(f"--scheduler: no scheduler answers at {address}: {error}") from error
    with client:
        yield client


@contextmanager
def _local_cluster(threads: int) -> Iterator[Any]:
    """A scheduler and a worker in this process: trials are trained in processes of their own."""
    from distributed import LocalCluster

    from mnistlab.sweeps.remote import IDLE_WORKERS

    try:
        with LocalCluster(
            n_workers=1,
            threads_per_worker=threads,
            processes=False,
            host="127.0.0.1",
            protocol="tcp",
            # Dask's web server, which has its own port even without a dashboard.
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            memory_limit=0,
        ) as cluster:
            yield cluster
    finally:
        IDLE_WORKERS.close()


def _certificates(address: str) -> Any:
    """The certificates in Dask's configuration. Raises UsageError if there are none."""
    from distributed import Security

    security = Security(require_encryption=True)
    lacking = [variable for name, variable in TLS_FILES if getattr(security, name) is None]
    if lacking:
        raise UsageError(
            f"--scheduler: {address} needs a certificate: set {', '.join(lacking)}, or the same "
            "keys in Dask's own configuration, to its files: docs/cluster.md"
        )
    for name, variable in TLS_FILES:
        given = getattr(security, name)
        # Dask also accepts the text of a certificate instead of its path.
        if "-----BEGIN" not in given and not Path(given).is_file():
            raise UsageError(f"--scheduler: {variable}: there is no file {given}")
    return security


@contextmanager
def _silent() -> Iterator[None]:
    """mnistlab reports a cluster's problems once, so Dask's own logs are silenced."""
    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] == "distributed"]
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
