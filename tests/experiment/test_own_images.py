"""The same images give the same weights, in any file format."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.short_runs import train

SIDE, CLASSES = 8, 3
IDX = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


@pytest.fixture(scope="module")
def parts() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images uint8 (n, 8, 8) that differ by class, and labels, for training and test."""
    random = np.random.default_rng(5)
    made = {}
    for part, count in (("train", 60), ("test", 21)):
        labels = random.integers(0, CLASSES, count).astype(np.uint8)
        images = random.integers(0, 90, (count, SIDE, SIDE))
        images += 80 * (np.arange(SIDE) // 3 == labels[:, None])[:, None, :]
        made[part] = (images.astype(np.uint8), labels)
    return made


def write_idx(folder: Path, parts: dict, opener=open, ending: str = "") -> None:
    for part, (images, labels) in parts.items():
        for name, array in zip(IDX[part], (images, labels), strict=True):
            header = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
            with opener(folder / f"{name}{ending}", "wb") as file:
                file.write(header + array.tobytes())


def write_png(folder: Path, parts: dict) -> None:
    for part, (images, labels) in parts.items():
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = folder / part.capitalize() / str(label)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"img_{index}.png")


def write_csv(folder: Path, parts: dict, header: bool) -> None:
    for part, (images, labels) in parts.items():
        rows = np.column_stack([labels, images.reshape(len(images), -1)])
        names = ",".join(["label", *(f"pixel{i}" for i in range(SIDE * SIDE))])
        text = "\n".join(",".join(map(str, row)) for row in rows.tolist())
        (folder / f"{part}.csv").write_text((names + "\n" if header else "") + text + "\n")


def write_npz(folder: Path, parts: dict) -> None:
    arrays = {f"x_{part}": images for part, (images, _) in parts.items()}
    arrays |= {f"y_{part}": labels for part, (_, labels) in parts.items()}
    np.savez(folder / "mnist.npz", **arrays)


WRITERS = {
    "idx": ("idx", write_idx),
    "idx gz": ("idx", lambda folder, parts: write_idx(folder, parts, gzip.open, ".gz")),
    "png": ("png", write_png),
    "csv": ("csv", lambda folder, parts: write_csv(folder, parts, header=False)),
    "csv with header": ("csv", lambda folder, parts: write_csv(folder, parts, header=True)),
    "npz": ("npz", write_npz),
}


def test_the_same_images_in_any_files_give_the_same_weights(tmp_path, monkeypatch, parts):
    monkeypatch.setenv("MNISTLAB_DATA_DIR", str(tmp_path))
    digests = {}
    for kind, (source, write) in WRITERS.items():
        folder = tmp_path / kind
        folder.mkdir()
        write(folder, parts)
        data = {"source": source, "path": str(folder), "train_limit": None}
        result = train(tmp_path / f"runs of {kind}", {"data": data})
        assert result.metrics["test_accuracy"] is not None
        digests[kind] = hashlib.sha256((result.run_dir / "weights.safetensors").read_bytes())
    assert len({digest.hexdigest() for digest in digests.values()}) == 1, digests
