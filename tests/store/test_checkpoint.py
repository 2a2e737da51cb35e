"""Tensors are read back to the bit or not at all, and a checkpoint survives a kill
at any moment.
"""

import hashlib
import json
import logging
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mnistlab.store import checkpoint
from mnistlab.store.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_tensors,
    save_checkpoint,
    save_tensors,
)
from mnistlab.store.run_dir import RunDir
from mnistlab.support import durable
from mnistlab.support.errors import UsageError

TENSORS = {
    "dense1.weight": np.arange(12, dtype=np.float32).reshape(3, 4) / 7,
    "dense1.bias": np.array([0.1, -0.0, np.nan, np.inf], dtype=np.float64),
    "sgd.step": np.array(17, dtype=np.int64),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "mask": np.array([True, False]),
}


class Killed(BaseException):
    """Simulates the end of the process: nothing after it runs."""


def state(step: int) -> Checkpoint:
    position = {"epoch": 1, "step": step, "files": {}}
    return Checkpoint({"w": np.full((4, 4), step, dtype=np.float32)}, position)


@pytest.fixture
def run_dir(tmp_path):
    return RunDir(tmp_path)


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        assert found[name].tobytes() == tensor.tobytes()
        assert found[name].flags.writeable


def test_tensors_of_every_shape_and_dtype_come_back_to_the_bit_with_their_metadata(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_tensors(path, TENSORS, {"b": "2", "a": 'é "quoted" \\'})
    tensors, metadata = load_tensors(path)
    assert_equal(tensors, TENSORS)
    assert metadata == {"b": "2", "a": 'é "quoted" \\'}


def test_tensors_in_other_orders_of_memory_or_bytes_are_saved_by_value(tmp_path):
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    given = {
        "fortran": np.asfortranarray(matrix),
        "strided": matrix[:, ::2],
        "big": matrix.astype(">f4"),
    }
    save_tensors(tmp_path / "w", given, {})
    found, _ = load_tensors(tmp_path / "w")
    assert_equal(found, {"fortran": matrix, "strided": matrix[:, ::2].copy(), "big": matrix})


def test_other_tools_read_the_file(tmp_path):
    from safetensors.numpy import load_file

    save_tensors(tmp_path / "w", TENSORS, {"a": "1"})
    found = load_file(tmp_path / "w")
    assert found["dense1.weight"].tobytes() == TENSORS["dense1.weight"].tobytes()


def test_a_file_of_other_tools_is_read(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": np.ones(3, np.float32)}, tmp_path / "w", {"format": "pt"})
    tensors, metadata = load_tensors(tmp_path / "w")
    assert tensors["w"].tolist() == [1, 1, 1]
    assert metadata == {"format": "pt"}


def test_equal_contents_give_equal_bytes_in_every_process_and_order(tmp_path):
    program = (
        "import sys, pathlib, numpy as np\n"
        "from mnistlab.store.checkpoint import save_tensors\n"
        "names = 'abcdefgh'[:: int(sys.argv[2])]\n"
        "tensors = {n: np.full(3, ord(n), np.float32) for n in names}\n"
        "save_tensors(pathlib.Path(sys.argv[1]), tensors, {n: n for n in names})\n"
    )
    digests = set()
    for number, order in enumerate(["1", "-1", "1"]):
        path = tmp_path / str(number)
        environment = os.environ | {"PYTHONHASHSEED": str(number)}
        subprocess.run([sys.executable, "-c", program, path, order], check=True, env=environment)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_flip_of_any_byte_is_noticed(tmp_path):
    path = tmp_path / "w.safetensors"
    save_tensors(path, TENSORS, {"position": '{"step": 3}'})
    whole = path.read_bytes()
    unnoticed = []
    for at in range(len(whole)):
        for bits in (0x01, 0x20, 0x29, 0xFF):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :])
            with suppress(UsageError):
                load_tensors(path)
                unnoticed.append((at, bits))
    assert unnoticed == []


def test_a_file_cut_at_any_byte_or_grown_is_noticed(tmp_path):
    path = tmp_path / "w.safetensors"
    save_tensors(path, TENSORS, {})
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(UsageError, match=r"w\.safetensors"):
            load_tensors(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(UsageError, match=f"it has {len(whole) + 1} bytes"):
        load_tensors(path)


def raw(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(print),
        b"\xff" * 8 + b"{}",
        raw(b"not json"),
        raw(b"[" * 100_000),
        raw([1, 2]),
        raw({"w": 3}),
        raw({"w": {"dtype": "F32", "shape": [1], "data_offsets": []}}),
        raw({"w": {"dtype": "F32", "shape": [1 << 60], "data_offsets": [0, 4]}}, b"1234"),
        raw({"w": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        raw({"__metadata__": {"mnistlab": "{}"}}),
        raw({"__metadata__": 3}),
    ],
)
def test_a_file_that_is_no_safetensors_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"w\.safetensors: is not a complete safetensors file"):
        load_tensors(path)


def test_a_missing_file_and_a_folder_are_errors_that_name_them(tmp_path):
    for path in (tmp_path / "gone", tmp_path):
        with pytest.raises(UsageError) as caught:
            load_tensors(path)
        assert str(path) in str(caught.value)


def test_a_run_without_checkpoints_has_none_to_load(run_dir):
    assert load_checkpoint(run_dir) is None


def test_the_newest_checkpoint_is_loaded_and_the_last_two_are_kept(run_dir):
    for step in (1, 2, 3):
        save_checkpoint(run_dir, state(step))
    found = load_checkpoint(run_dir)
    assert found.position == {"epoch": 1, "step": 3, "files": {}}
    assert_equal(found.tensors, state(3).tensors)
    names = sorted(path.name for path in run_dir.checkpoints.iterdir())
    assert names == ["last.previous.safetensors", "last.safetensors"]
    run_dir.previous.replace(run_dir.last)
    assert load_checkpoint(run_dir).position["step"] == 2


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_the_older_checkpoint_is_used_with_a_warning_when_the_newer_is_gone(run_dir, caplog, harm):
    for step in (1, 2):
        save_checkpoint(run_dir, state(step))
    content = run_dir.last.read_bytes()
    if harm == "remove":
        run_dir.last.unlink()
    else:
        run_dir.last.write_bytes(content[:-1] + (b"\x7f" if harm == "flip" else b""))
    with caplog.at_level(logging.WARNING):
        assert load_checkpoint(run_dir).position["step"] == 1
    assert str(run_dir.last) in caplog.text
    assert str(run_dir.previous) in caplog.text


def test_a_damaged_newest_never_takes_the_place_of_the_whole_one_before_it(run_dir, monkeypatch):
    for step in (1, 2):
        save_checkpoint(run_dir, state(step))
    run_dir.last.write_bytes(b"damaged")

    def killed(*_arguments, **_options):
        raise Killed

    monkeypatch.setattr(checkpoint.durable, "write_file", killed)
    with pytest.raises(Killed):
        save_checkpoint(run_dir, state(3))
    assert load_checkpoint(run_dir).position["step"] == 1


def test_two_damaged_checkpoints_are_both_named(run_dir):
    for step in (1, 2):
        save_checkpoint(run_dir, state(step))
    run_dir.last.write_bytes(b"")
    run_dir.previous.write_bytes(b"")
    with pytest.raises(UsageError) as caught:
        load_checkpoint(run_dir)
    assert len(caught.value.messages) == 2
    assert str(run_dir.previous) in str(caught.value)


def test_weights_alone_are_no_checkpoint(run_dir):
    run_dir.checkpoints.mkdir()
    save_tensors(run_dir.last, TENSORS, {})
    with pytest.raises(UsageError, match="it is not a checkpoint"):
        load_checkpoint(run_dir)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("moment", range(1, 8))
def test_a_death_at_any_moment_of_saving_leaves_a_whole_checkpoint(
    run_dir, monkeypatch, moment, before
):
    """Dies before or after the nth call that changes the disk, and cleans up nothing."""
    save_checkpoint(run_dir, state(1))
    save_checkpoint(run_dir, state(2))
    calls = 0

    def dying(real):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls > moment or (calls == moment and before):
                raise Killed
            result = real(*arguments, **options)
            if calls == moment:
                raise Killed
            return result

        return call

    died = False
    with monkeypatch.context() as patch:
        for owner, name in [(os, "fsync"), (os, "replace"), (Path, "replace"), (Path, "unlink")]:
            patch.setattr(owner, name, dying(getattr(owner, name)))
        try:
            save_checkpoint(run_dir, state(3))
        except Killed:
            died = True
    assert died == (calls >= moment)
    found = load_checkpoint(run_dir)
    assert found.position["step"] in (2, 3)
    assert found.tensors["w"][0, 0] == found.position["step"]
    save_checkpoint(run_dir, state(4))
    assert load_checkpoint(run_dir).position["step"] == 4
    names = sorted(path.name for path in run_dir.checkpoints.iterdir())
    assert names == ["last.previous.safetensors", "last.safetensors"]


def test_a_full_disk_keeps_the_checkpoints_that_were_there(run_dir, monkeypatch):
    save_checkpoint(run_dir, state(1))

    def no_space(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(run_dir, state(2))
    assert load_checkpoint(run_dir).position["step"] == 1
