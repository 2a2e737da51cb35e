"""One file of a run's network, in the format asked for."""

import importlib.util
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, assert_never, get_args

import numpy as np

from mnistlab.experiment.model import Model
from mnistlab.export.torch_layout import torch_snippet, torch_tensors
from mnistlab.store.run_dir import CONFIG_NAME, RunDir
from mnistlab.store.written_files import PLACE, refuse_others, write_own
from mnistlab.support.errors import UsageError

if TYPE_CHECKING:
    from mnistlab.export.onnx_check import Agreement
    from mnistlab.export.onnx_graph import Pixels

Format = Literal["onnx", "safetensors", "npz"]


@dataclass(frozen=True)
class Exported:
    """What an export has written.

    `snippet` is Python that loads a safetensors file into PyTorch; `agreement` says how an ONNX
    model's probabilities compare with our own, `opset` which operators it is written in.
    """

    file: Path
    format: Format
    snippet: str | None = None
    agreement: "Agreement | None" = None
    opset: int | None = None


def require(format: Format) -> None:
    """Raises UsageError for no format, or, saying how to install it, for what is not installed."""
    if format not in get_args(Format):
        raise UsageError(f"format: found {format!r}, expected one of {', '.join(get_args(Format))}")
    needed = {"onnx": ("onnx", "onnxruntime"), "safetensors": (), "npz": ()}[format]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"--format onnx needs {' and '.join(missing)}, not installed here: "
            "pip install 'mnistlab[export]'"
        )


def refuse_to_overwrite(
    run_dir: RunDir, format: Format, output: Path | None, *, force: bool
) -> Path:
    """Where the file goes; raises UsageError where that would replace what mnistlab did not write,
    or what is a run's own. `force` lets any other file be replaced.
    """
    file = _place(run_dir, format, output)
    hint = "name another file with --output, or let it be overwritten with --force"
    refuse_others([file], force=force, hint=hint)
    return file


def export_model(
    model: Model,
    format: Format,
    output: Path | None = None,
    pixels: "Pixels" = "uint8",
    *,
    force: bool = False,
) -> Exported:
    """Write a run's network for other tools: to `output`, or `model.<format>` in the run's folder.

    onnx: float32, from raw images of `pixels` to probabilities, checked before anything is
    written. safetensors: the tensors as PyTorch names and lays them out. npz: the tensors under
    our own names, and `pixel_scale`, `pixel_offset`, `class_names`. Raises UsageError where the
    file can't be written, or would replace one that mnistlab did not write (unless `force`) or
    one of a run's own; MnistlabError where the check fails.
    """
    require(format)
    file = refuse_to_overwrite(model.run_dir, format, output, force=force)
    exported, content = _made(model, format, file, pixels)
    try:
        write_own(file, content, format, force=force)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    return exported


def _made(model: Model, format: Format, file: Path, pixels: "Pixels") -> tuple[Exported, bytes]:
    """What is to be said of the file, and what is to be in it."""
    match format:
        case "onnx":
            return _onnx(model, file, pixels)
        case "safetensors":
            from safetensors.numpy import save

            content = save(torch_tensors(model), {"format": "pt"})
            snippet = torch_snippet(model, file)
            return Exported(file, format, snippet=snippet), _with_place(content)
        case "npz":
            return Exported(file, format), _npz(model)
        case _:
            assert_never(format)


def _onnx(model: Model, file: Path, pixels: "Pixels") -> tuple[Exported, bytes]:
    from mnistlab.export.onnx_check import check_onnx
    from mnistlab.export.onnx_graph import OPSET, PIXEL_TYPES, onnx_model

    if pixels not in PIXEL_TYPES:
        raise UsageError(f"pixels: found {pixels!r}, expected {' or '.join(PIXEL_TYPES)}")
    proto = onnx_model(model, pixels)
    proto.metadata_props.add(key="written_by", value=PLACE)
    content = proto.SerializeToString()
    agreement = check_onnx(content, model, pixels)
    return Exported(file, "onnx", agreement=agreement, opset=OPSET), content


def _with_place(content: bytes) -> bytes:
    """A safetensors file with the place of the mark in its metadata.

    Not by safetensors, which writes several entries in an order that differs from process to
    process.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"]["written_by"] = PLACE
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def _npz(model: Model) -> bytes:
    """The tensors under our own names, and what turns pixels into the network's input."""
    scale, offset = model.inference.pixel
    arrays: dict[str, Any] = {
        **model.tensors,
        "pixel_scale": scale,
        "pixel_offset": offset,
        "class_names": np.array(model.class_names),
    }
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    return archive.getvalue()


def _place(run_dir: RunDir, format: Format, output: Path | None) -> Path:
    """Where the file goes; raises UsageError where that would replace what is a run's own."""
    own = run_dir.exported(format)
    if output is None:
        return own
    file = output.expanduser().absolute()
    if file.is_dir():
        raise UsageError(f"{output}: is a folder; name the file to write, such as {own.name}")
    folders = (file.resolve().parent, file.resolve().parent.parent)
    if file.exists() and file.name != own.name and any((f / CONFIG_NAME).exists() for f in folders):
        raise UsageError(f"{output}: is a file of a run, and is not overwritten")
    return file
