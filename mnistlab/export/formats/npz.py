"""The format `npz`: numpy's archive of arrays."""

import io
import zipfile
from typing import TYPE_CHECKING, Any

from mnistlab.export.format import Format, Pixels

if TYPE_CHECKING:
    from mnistlab.experiment.model import Model


def write(model: "Model", pixels: Pixels) -> bytes:
    """The tensors by mnistlab's names, and the scaling from pixels to the network's input.

    The input is `pixel * pixel_scale + pixel_offset`, for pixels of any type.
    """
    import numpy as np

    from mnistlab.store.written_files import BLANK_MARK

    scale, offset = model.inference.pixel
    arrays: dict[str, Any] = {
        **model.tensors,
        "pixel_scale": scale,
        "pixel_offset": offset,
        "class_names": np.array(model.class_names),
    }
    content = io.BytesIO()
    np.savez(content, **arrays)
    with zipfile.ZipFile(content, "a") as archive:
        archive.comment = BLANK_MARK.encode()
    return content.getvalue()


FORMAT = Format(
    name="npz",
    description="npz has the arrays under mnistlab's names.",
    ending="npz",
    write=write,
)
