"""Augmentations: random changes of the training images, each in a file of its own.

An augmentation moves the coordinates at which an image is read. A list of them makes one map from
the pixels of the new image to coordinates of the old one, and the image is read once: two
augmentations blur no more than one does. The result is rounded to bytes, as the dataset's images
are.
"""

from typing import Annotated, Any, ClassVar

from mnistlab.blocks.registry import Family, ItemOf
from mnistlab.blocks.section import Section


class AugmentationBlock(Section):
    """What the engine asks of an augmentation; `type` is the key that names it."""

    type: ClassVar[str]

    def build(self, place: Any) -> Any:
        """The op that moves the coordinates; `place` is a Place of `_lowering.py`."""
        raise NotImplementedError(f"augmentation {self.type}: can't be built")


AUGMENTATIONS = Family("mnistlab.blocks.augmentations", AugmentationBlock)

Augmentation = Annotated[AugmentationBlock, ItemOf(AUGMENTATIONS, "augmentation", "shift: 2")]
