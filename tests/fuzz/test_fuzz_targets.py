"""The fuzzed readers, tested a little without a fuzzer: valid, truncated and changed files.

Inputs that `fuzz_readers.py` has found have tests here.
"""

import pytest
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("reader", TARGETS)
def test_every_seed_is_read(reader, tmp_path):
    target = TARGETS[reader]
    for seed in target.seeds():
        (tmp_path / "file").write_bytes(seed)
        assert target.read(tmp_path / "file")


@pytest.mark.parametrize("reader", TARGETS)
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(draws=st.data())
def test_a_changed_file_is_read_or_refused(reader, tmp_path, draws):
    target = TARGETS[reader]
    content = bytearray(draws.draw(st.sampled_from(target.seeds())))
    for _ in range(draws.draw(st.integers(1, 4))):
        start = draws.draw(st.integers(0, len(content)))
        end = start + draws.draw(st.integers(0, 8))
        content[start:end] = draws.draw(st.binary(max_size=8))
    (tmp_path / "file").write_bytes(content)
    target.read(tmp_path / "file")
