"""EMNIST: digits and letters in MNIST's format, in six splits.

Source: Cohen, Afshar, Tapson and van Schaik, EMNIST: an extension of MNIST to handwritten letters
(2017). The files have rows and columns swapped; the images here are upright, as MNIST's are.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnistlab.data import cache
from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.files import MalformedError
from mnistlab.data.idx import read_idx, read_stream
from mnistlab.data.own_files import ADVICE, check_agreement
from mnistlab.data.retrieve import TIMEOUT, DownloadProgress
from mnistlab.data.source import DatasetListing, PublishedSource, Request, Source, identity
from mnistlab.data.source_kinds import DIGIT_NAMES
from mnistlab.data.zipped import Archive, ArchiveMirror, members_of, unpacked_member
from mnistlab.support.errors import DataError, data_error
from mnistlab.support.text_format import human_bytes

FOLDER = "emnist"
# The folders of the files, below a folder of datasets: our own, the archive unpacked there, and
# torchvision's. The folder of datasets may also be one of these.
FOLDERS = (FOLDER, f"{FOLDER}/gzip", "EMNIST/raw", "EMNIST/raw/gzip")
OWN_FOLDERS = ("", "gzip", "raw", "raw/gzip")
SIDE = 28
TURNED_AT_ONCE = 1000
NIST = ("md5", "58c8d27c78d21e728a6bc7b3cc06412e")
ARCHIVE = Archive(
    mirrors=(
        ArchiveMirror("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip", *NIST),
        ArchiveMirror("https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip", *NIST),
        ArchiveMirror(
            "https://rds.westernsydney.edu.au/Institutes/MARCS/BENS/EMNIST/emnist-gzip.zip",
            "sha256",
            "909a2a39c5e86bdd7662425e9b9c4a49bb582bf8d0edad427f3c3a9d0c6f7259",
        ),
    ),
    name="gzip.zip",
    other_names=("emnist-gzip.zip", "emnist.zip"),
    bytes=536_000_000,
)
# Lower-case letters that the merged splits do not tell from their capitals.
MERGED = "cijklmopsuvwxyz"
BY_CLASS = tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase)
BY_MERGE = tuple(name for name in BY_CLASS if name not in MERGED)


class FoundFile(NamedTuple):
    """One of the four files: a file of its own, or a member of an archive."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}: {self.member}"


Found = Mapping[str, FoundFile]  # by role


@dataclass(frozen=True, kw_only=True)
class EmnistSplit(PublishedSource):
    """One split of EMNIST; `first_label` is the label of the first class in the files."""

    class_names: tuple[str, ...]
    split: str
    first_label: int = 0
    archive: Archive = ARCHIVE

    def open(self, request: Request) -> Source:
        found = self._find(request.data_dir)
        if found is None and request.fetch_missing:
            self.fetch(request.data_dir, request.progress)
            found = self._find(request.data_dir)
        if found is None:
            raise DataError(
                f"{request.data_dir / FOLDER}: {', '.join(self._names().values())} missing "
                f"(gzipped or not), and no {self.archive.name} of EMNIST; "
                f"run `mnistlab data fetch {self.name}` ({human_bytes(self.archive.bytes)})"
            )
        arrays, sha256 = cache.load(
            self.name,
            identity({role: file.path for role, file in found.items()}),
            lambda: self._read(found),
        )
        return Source(self.name, *arrays, class_names=self.class_names, sha256=sha256)

    def fetch(
        self, data_dir: Path, progress: DownloadProgress | None = None, timeout: float = TIMEOUT
    ) -> Path:
        folder = data_dir.absolute() / FOLDER
        found = self._find(data_dir.absolute())
        if found is None:
            self.archive.fetch(self.name, folder, progress, timeout)
            return folder
        self.open(Request(None, data_dir.absolute(), fetch_missing=False, progress=None))
        return found["train_images"].path.parent

    def lacks_files(self, data_dir: Path) -> bool:
        return self._find(data_dir) is None

    def listing(self, data_dir: Path) -> DatasetListing:
        """The files are found, not decoded: all six splits together take 1.9 GB."""
        folder = data_dir / FOLDER
        try:
            found = self._find(data_dir)
        except DataError as error:
            return DatasetListing(self.name, self.description, "damaged", folder, 0, str(error))
        if found is None:
            return DatasetListing(self.name, self.description, "absent", folder, 0)
        paths = {file.path for file in found.values()}
        size = sum(path.stat().st_size for path in paths)
        return DatasetListing(
            self.name, self.description, "present", next(iter(paths)).parent, size
        )

    def _names(self) -> dict[str, str]:
        """The published name of each file, by its role."""
        return {
            f"{part}_{kind}": f"emnist-{self.split}-{part}-{kind}-idx{dimensions}-ubyte"
            for part in ("train", "test")
            for kind, dimensions in (("images", 3), ("labels", 1))
        }

    def _find(self, data_dir: Path) -> Found | None:
        """The four files: of their own in one folder, else in the archive; None if neither is
        there. Raises DataError.
        """
        folders = [data_dir / name for name in FOLDERS]
        own = [data_dir / name for name in OWN_FOLDERS]
        if data_dir.name in (FOLDER, "EMNIST"):
            folders += own  # an archive's name alone does not tell what is in it
        try:
            for folder in (*folders, *own):
                if files := self._find_files(folder):
                    return files
            for folder in folders:
                if archive := self.archive.locate(folder):
                    return self._find_members(archive)
        except OSError as error:
            where = error.filename or data_dir
            raise data_error(f"{where}: cannot be read ({error.strerror})", error) from error
        return None

    def _find_files(self, folder: Path) -> Found | None:
        found = {}
        for role, name in self._names().items():
            paths = (folder / name, folder / f"{name}.gz")
            path = next((path for path in paths if path.exists()), None)
            if path is None:
                return None
            found[role] = FoundFile(path)
        return found

    def _find_members(self, archive: Path) -> Found:
        try:
            members = members_of(archive)
        except MalformedError as error:
            raise DataError(f"{archive}: {error}; {self._advice}") from error
        wanted = {role: f"{name}.gz" for role, name in self._names().items()}
        if missing := [name for name in wanted.values() if name not in members]:
            raise DataError(
                f"{archive}: expected {', '.join(missing)} in it, found "
                f"{', '.join(list(members)[:4]) or 'nothing'}; {self._advice}"
            )
        return {role: FoundFile(archive, members[name]) for role, name in wanted.items()}

    @property
    def _advice(self) -> str:
        return f"delete it and run `mnistlab data fetch {self.name}`"

    def _read(self, found: Found) -> Arrays:
        """The four arrays, upright, labels from 0. Raises DataError, one line per bad file."""
        arrays, errors = {}, []
        for role, file in found.items():
            try:
                arrays[role] = self._read_file(file, is_images=role.endswith("images"))
            except MalformedError as error:
                advice = ADVICE if file.member is None else self._advice
                errors.append(f"{file}: {error}; {advice}")
            except OSError as error:
                raise data_error(f"{file}: cannot be read ({error.strerror})", error) from error
        if errors:
            raise DataError(*errors)
        decoded = Arrays(**arrays)
        check_agreement(decoded, {role: str(file) for role, file in found.items()})
        return decoded

    def _read_file(self, file: FoundFile, *, is_images: bool) -> Bytes:
        dimensions = 3 if is_images else 1
        if file.member is None:
            array = read_idx(file.path, dimensions)
        else:
            with unpacked_member(file.path, file.member) as (stream, most):
                array = read_stream(stream, dimensions, None, most)
        return _upright(array) if is_images else self._from_zero(array)

    def _from_zero(self, labels: Bytes) -> Bytes:
        first, last = self.first_label, self.first_label + len(self.class_names) - 1
        lowest, highest = int(labels.min()), int(labels.max())
        if lowest < first or highest > last:
            found = lowest if lowest < first else highest
            raise MalformedError(f"expected labels from {first} to {last}, found {found}")
        labels -= np.uint8(first)
        return labels


def _upright(images: Bytes) -> Bytes:
    """The images with rows and columns swapped in place, a few at a time: byclass has 638 MB."""
    if images.shape[1:] != (SIDE, SIDE):
        raise MalformedError(
            f"expected images of {SIDE} × {SIDE} pixels, found "
            f"{images.shape[1]} × {images.shape[2]}"
        )
    for start in range(0, len(images), TURNED_AT_ONCE):
        some = images[start : start + TURNED_AT_ONCE]
        some[:] = some.swapaxes(1, 2).copy()
    return images


def _split(
    split: str, images: str, class_names: tuple[str, ...], first_label: int = 0
) -> EmnistSplit:
    return EmnistSplit(
        name=f"emnist-{split}",
        description=f"EMNIST: {images}, {len(class_names)} classes",
        class_names=class_names,
        split=split,
        first_label=first_label,
    )


BALANCED = _split("balanced", "131,600 digits and letters, equally many of each", BY_MERGE)
BYCLASS = _split("byclass", "814,255 digits and letters", BY_CLASS)
BYMERGE = _split("bymerge", "814,255 digits and letters, alike ones merged", BY_MERGE)
DIGITS = _split("digits", "280,000 digits", DIGIT_NAMES)
LETTERS = _split(
    "letters", "145,600 letters, capital or not", tuple(string.ascii_uppercase), first_label=1
)
MNIST = _split("mnist", "70,000 digits", DIGIT_NAMES)
