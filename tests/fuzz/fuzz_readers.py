"""Feeds the readers with files made by atheris, guided by code coverage.

`python tests/fuzz/fuzz_readers.py --seconds 300` gives each reader this long; `pip install
mnistlab[fuzz]` installs atheris. Inputs that break a reader are kept as `crash-*` in the working
folder. A file also counts as breaking if reading it takes 20 s or a gigabyte.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

READERS = ("yaml", "idx", "safetensors")
SECONDS_FOR_A_FILE = 20
MEGABYTES = 1024


def fuzz(reader: str, seconds: int) -> None:
    """Fuzz one reader, and end the process."""
    with atheris.instrument_imports(include=["mnistlab.config", "mnistlab.data", "yaml", "json"]):
        from fuzz_targets import TARGETS

        import mnistlab.store.checkpoint  # noqa: F401
    target = TARGETS[reader]
    atheris.instrument_func(target.read)
    folder = Path(tempfile.mkdtemp(prefix="mnistlab-fuzz-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    file = folder / "file"

    def one(content: bytes) -> None:
        file.write_bytes(content)
        target.read(file)

    options = [
        f"-max_total_time={seconds}",
        f"-max_len={target.most_bytes}",
        f"-timeout={SECONDS_FOR_A_FILE}",
        f"-rss_limit_mb={MEGABYTES}",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", default=READERS)
    parser.add_argument("--seconds", type=int, default=300, help="for each reader")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        fuzz(options.readers[0], options.seconds)
    failed = False
    for reader in options.readers:
        # libFuzzer ends its process, so each reader has its own.
        command = [sys.executable, __file__, reader, "--alone", "--seconds", str(options.seconds)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        words = [line.split() for line in done.stderr.splitlines()]
        tried = next(
            (line[1] for line in words if line[:1] == ["stat::number_of_executed_units:"]), 0
        )
        print(
            f"{reader}: {int(tried):,} files tried, {'BROKEN' if done.returncode else 'no fault'}"
        )
        if done.returncode:
            print(done.stderr[-3000:])
        failed = failed or done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
