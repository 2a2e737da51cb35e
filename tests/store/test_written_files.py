import io
import zipfile

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mnistlab.data.png import read_png
from mnistlab.figures.style import rendered
from mnistlab.store.written_files import (
    BLANK_MARK,
    is_own,
    marked,
    refuse_others,
    write_own,
)
from mnistlab.support.errors import UsageError


def content_of(format: str) -> bytes:
    if format in ("png", "svg", "pdf"):
        return rendered(Figure(figsize=(1, 1)), format)
    if format == "npz":
        archive = io.BytesIO()
        np.savez(archive, a=np.arange(3))
        with zipfile.ZipFile(archive, "a") as opened:
            opened.comment = BLANK_MARK.encode()
        return archive.getvalue()
    return f'{{"said by": "{BLANK_MARK}"}}'.encode() if format == "json" else b"<p>text</p>"


@pytest.mark.parametrize("format", ["png", "svg", "pdf", "html", "md", "npz", "json"])
def test_a_written_file_is_distinguished_from_one_with_any_byte_changed(tmp_path, format):
    path = tmp_path / f"file.{format}"
    write_own(path, content_of(format), None if format in ("npz", "json") else format)
    assert is_own(path)
    content = path.read_bytes()
    for place in (0, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert not is_own(path)
    path.write_bytes(content_of(format))
    assert not is_own(path)


def test_the_mark_leaves_a_png_and_an_archive_whole(tmp_path):
    pixels = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    write_own(tmp_path / "a.png", content.getvalue(), "png")
    np.testing.assert_array_equal(read_png(tmp_path / "a.png"), pixels)  # checks every checksum
    (tmp_path / "a.npz").write_bytes(marked(content_of("npz")))
    with np.load(tmp_path / "a.npz") as archive:
        np.testing.assert_array_equal(archive["a"], np.arange(3))
    assert zipfile.ZipFile(tmp_path / "a.npz").testzip() is None


def test_what_mnistlab_wrote_is_renewed_and_what_anybody_else_wrote_is_refused(tmp_path):
    path = tmp_path / "page.html"
    write_own(path, b"first", "html")
    write_own(path, b"second", "html")
    assert path.read_bytes().startswith(b"second")
    path.write_text("the user's own")
    with pytest.raises(UsageError, match=r"page\.html: exists"):
        write_own(path, b"third", "html")
    assert path.read_text() == "the user's own"
    write_own(path, b"third", "html", force=True)
    assert is_own(path)


def test_links_and_folders_are_never_overwritten(tmp_path):
    (tmp_path / "real.html").write_text("the user's own")
    (tmp_path / "link.html").symlink_to("real.html")
    (tmp_path / "dangling.html").symlink_to("nothing")
    (tmp_path / "folder.html").mkdir()
    for name in ("link.html", "dangling.html", "folder.html"):
        with pytest.raises(UsageError, match=name):
            refuse_others([tmp_path / name])
    with pytest.raises(UsageError, match=r"folder\.html"):
        refuse_others([tmp_path / "folder.html"], force=True)
    write_own(tmp_path / "link.html", b"page", "html", force=True)
    assert (tmp_path / "real.html").read_text() == "the user's own"
