"""EMNIST's six splits, from one archive in the published format."""

import hashlib
import io
import re
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from data_helpers import idx_bytes, packed
from test_data_fetch import Recorder

from mnistlab.data import fetch, list_datasets, open_source
from mnistlab.data.sources import SOURCES
from mnistlab.data.sources.emnist import ARCHIVE
from mnistlab.data.zipped import ArchiveMirror
from mnistlab.support.errors import DataError, UsageError

CLASSES = {"balanced": 47, "byclass": 62, "bymerge": 47, "digits": 10, "letters": 26, "mnist": 10}
TIMEOUT = 0.4


def arrays_of(split):
    """Training images, training labels, test images, test labels, as they should be read."""
    rng = np.random.default_rng(sum(split.encode()))
    counts = CLASSES[split], CLASSES[split] // 2
    images = [rng.integers(0, 256, (n, 28, 28), dtype=np.uint8) for n in counts]
    labels = [rng.permutation(n).astype(np.uint8) for n in counts]
    return images[0], labels[0], images[1], labels[1]


def published_files(split):
    """The files as they are published: transposed; labels of letters from 1."""
    first = 1 if split == "letters" else 0
    images, labels, test_images, test_labels = arrays_of(split)
    return {
        f"emnist-{split}-train-images-idx3-ubyte": idx_bytes(images.swapaxes(1, 2)),
        f"emnist-{split}-train-labels-idx1-ubyte": idx_bytes(labels + np.uint8(first)),
        f"emnist-{split}-test-images-idx3-ubyte": idx_bytes(test_images.swapaxes(1, 2)),
        f"emnist-{split}-test-labels-idx1-ubyte": idx_bytes(test_labels + np.uint8(first)),
    }


def zipped(splits=tuple(CLASSES), change=lambda files: files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for split in splits:
            archive.writestr(f"gzip/emnist-{split}-mapping.txt", "0 48\n")
            for name, idx in change(published_files(split)).items():
                archive.writestr(f"gzip/{name}.gz", packed(idx))
    return content.getvalue()


def put(folder, content=None, name="gzip.zip"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(zipped() if content is None else content)


def check_content(source, split):
    stored = source.train_images, source.train_labels, source.test_images, source.test_labels
    for one, wanted in zip(stored, arrays_of(split), strict=True):
        np.testing.assert_array_equal(one, wanted)


class Server:
    """Serves one file on loopback; `cut` bytes at most a request, with ranges or without."""

    def __init__(self, content, ranges=True, cut=None):
        self.content, self.cut, self.asked = content, cut, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                outer.asked.append(asked)
                start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and ranges else 0
                if start >= len(outer.content):
                    self.send_error(416)
                    return
                body = outer.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                if start:
                    end = len(outer.content)
                    self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
                self.end_headers()
                self.wfile.write(body[: outer.cut])

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/gzip.zip"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def serve(monkeypatch):
    """Starts a server of the archive, and makes it the mirror of every split."""
    servers = []

    def make(content=None, wanted=None, **behaviour):
        content = zipped() if content is None else content
        servers.append(Server(content, **behaviour))
        digest = hashlib.md5(content if wanted is None else wanted).hexdigest()
        mirrors = tuple(ArchiveMirror(one.url, "md5", digest) for one in servers)
        archive = replace(ARCHIVE, mirrors=mirrors)
        for split in CLASSES:
            name = f"emnist-{split}"
            monkeypatch.setitem(SOURCES, name, replace(SOURCES[name], archive=archive))
        return servers[-1]

    yield make
    for one in servers:
        one.server.shutdown()
        one.server.server_close()


@pytest.mark.parametrize("split", CLASSES)
def test_a_split_is_fetched_and_its_images_are_upright_and_its_labels_from_zero(
    split, tmp_path, serve
):
    server, progress = serve(), Recorder()
    assert fetch(f"emnist-{split}", tmp_path, progress) == tmp_path / "emnist"
    assert [path.name for path in (tmp_path / "emnist").iterdir()] == ["gzip.zip"]
    assert progress.finished == [len(server.content)]
    source = open_source(f"emnist-{split}", data_dir=tmp_path, fetch_missing=False)
    check_content(source, split)
    assert len(source.class_names) == CLASSES[split]


def test_one_download_serves_all_splits(tmp_path, serve):
    server = serve()
    for split in CLASSES:
        check_content(open_source(f"emnist-{split}", data_dir=tmp_path), split)
    assert server.asked == [None]


def test_the_classes_have_the_names_of_their_characters():
    names = {split: "".join(SOURCES[f"emnist-{split}"].class_names) for split in CLASSES}
    capitals, small = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
    assert names == {
        "balanced": f"0123456789{capitals}abdefghnqrt",
        "byclass": f"0123456789{capitals}{small}",
        "bymerge": f"0123456789{capitals}abdefghnqrt",
        "digits": "0123456789",
        "letters": capitals,
        "mnist": "0123456789",
    }


def test_the_known_archive_has_three_mirrors_and_a_hash_of_each():
    assert len(ARCHIVE.mirrors) == 3
    for mirror in ARCHIVE.mirrors:
        assert mirror.url.startswith("https://")
        assert len(mirror.hexdigest) == 2 * hashlib.new(mirror.algorithm).digest_size


def test_an_interrupted_download_is_continued_where_it_ended(tmp_path, serve):
    server = serve(cut=10_000)
    with pytest.raises(DataError, match="continues after the 10 kB that are there"):
        fetch("emnist-mnist", tmp_path, timeout=TIMEOUT)
    progress, server.cut = Recorder(), None
    fetch("emnist-mnist", tmp_path, progress, timeout=TIMEOUT)
    assert server.asked == [None, "bytes=10000-"]
    assert progress.finished == [len(server.content)]
    assert (tmp_path / "emnist" / "gzip.zip").read_bytes() == server.content
    assert len(list((tmp_path / "emnist").iterdir())) == 1


def test_a_download_that_had_only_to_be_renamed_is_complete(tmp_path, serve):
    server = serve()
    digest = hashlib.md5(server.content).hexdigest()
    put(tmp_path / "emnist", server.content, f".gzip.zip-{digest[:8]}.part")
    fetch("emnist-mnist", tmp_path)
    check_content(open_source("emnist-mnist", data_dir=tmp_path), "mnist")


def test_a_server_without_ranges_sends_all_of_it_again(tmp_path, serve):
    server = serve(ranges=False, cut=10_000)
    with pytest.raises(DataError):
        fetch("emnist-digits", tmp_path, timeout=TIMEOUT)
    server.cut = None
    fetch("emnist-digits", tmp_path, timeout=TIMEOUT)
    check_content(open_source("emnist-digits", data_dir=tmp_path), "digits")


def test_the_next_mirror_continues_what_the_first_one_cut(tmp_path, serve):
    content = zipped()
    cut = serve(content, cut=10_000)
    whole = serve(content)
    fetch("emnist-letters", tmp_path, timeout=TIMEOUT)
    assert (cut.asked, whole.asked) == ([None], ["bytes=10000-"])


def test_a_file_with_another_hash_is_not_kept(tmp_path, serve):
    page = b"<html>moved</html>"
    serve(page, wanted=b"the archive")
    with pytest.raises(DataError, match=r"expected a file of MD5 .*, a web page") as caught:
        fetch("emnist-letters", tmp_path / "data")
    assert "mnistlab data fetch emnist-letters" in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_an_archive_larger_than_the_disk_is_refused_before_it_is_received(
    tmp_path, serve, monkeypatch
):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("mnistlab.data.retrieve.shutil.disk_usage", lambda path: usage)
    serve()
    with pytest.raises(DataError, match=r"needs .* kB, 1 kB are free"):
        fetch("emnist-letters", tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["gzip.zip", "emnist-gzip.zip", "emnist.zip"])
def test_an_archive_that_is_there_is_read(name, tmp_path):
    put(tmp_path / "emnist", name=name)
    source = open_source("emnist-letters", data_dir=tmp_path, fetch_missing=False)
    check_content(source, "letters")


@pytest.mark.parametrize("folder", ["emnist", "emnist/gzip", "EMNIST/raw"])
@pytest.mark.parametrize("gzipped", [True, False])
def test_unpacked_files_that_are_there_are_read(folder, gzipped, tmp_path):
    for name, idx in published_files("balanced").items():
        put(tmp_path / folder, packed(idx) if gzipped else idx, name + ".gz" * gzipped)
    source = open_source("emnist-balanced", data_dir=tmp_path, fetch_missing=False)
    check_content(source, "balanced")
    listed = {one.name: one for one in list_datasets(tmp_path)}
    assert listed["emnist-balanced"].status == "present"
    assert listed["emnist-balanced"].path == tmp_path / folder
    assert listed["emnist-letters"].status == "absent"
    assert fetch("emnist-balanced", tmp_path) == tmp_path / folder
    source = open_source("emnist-balanced", data_dir=tmp_path / folder, fetch_missing=False)
    check_content(source, "balanced")


def test_the_data_dir_may_be_the_folder_of_the_archive(tmp_path):
    put(tmp_path / "emnist")
    source = open_source("emnist-digits", data_dir=tmp_path / "emnist", fetch_missing=False)
    check_content(source, "digits")


def test_what_is_missing_is_told_with_the_command_and_the_size_of_its_download(tmp_path):
    with pytest.raises(DataError) as caught:
        open_source("emnist-letters", data_dir=tmp_path / "data", fetch_missing=False)
    assert "emnist-letters-train-images-idx3-ubyte" in str(caught.value)
    assert "run `mnistlab data fetch emnist-letters` (536 MB)" in str(caught.value)
    assert not (tmp_path / "data").exists()


def labels_of(value):
    def change(files):
        name = next(name for name in files if "train-labels" in name)
        return files | {name: idx_bytes(np.full(26, value, np.uint8))}

    return change


def one_label_fewer(files):
    name = next(name for name in files if "train-labels" in name)
    return files | {name: idx_bytes(np.arange(1, 26, dtype=np.uint8))}


def small_images(files):
    name = next(name for name in files if "test-images" in name)
    return files | {name: idx_bytes(np.zeros((13, 27, 28), np.uint8))}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\3\4 not really", "expected a valid ZIP archive"),
        (b"", "expected a valid ZIP archive"),
        (zipped()[:-100], "expected a valid ZIP archive"),
        (zipped(("mnist",)), "expected emnist-letters-train-images-idx3-ubyte.gz"),
        (zipped(("letters",), labels_of(0)), "expected labels from 1 to 26, found 0"),
        (zipped(("letters",), labels_of(27)), "expected labels from 1 to 26, found 27"),
        (zipped(("letters",), one_label_fewer), "expected 26 labels"),
        (zipped(("letters",), small_images), "expected images of 28 × 28 pixels, found 27 × 28"),
    ],
)
def test_an_archive_that_cannot_be_right_is_refused(content, told, tmp_path):
    put(tmp_path / "emnist", content)
    with pytest.raises(DataError) as caught:
        open_source("emnist-letters", data_dir=tmp_path)
    assert told in str(caught.value)
    assert str(tmp_path / "emnist" / "gzip.zip") in str(caught.value)


def test_a_flipped_bit_of_a_member_is_found(tmp_path):
    content = bytearray(zipped(("letters",)))
    content[len(content) // 2] ^= 0x10
    put(tmp_path / "emnist", bytes(content))
    with pytest.raises(DataError, match="emnist-letters-train-images"):
        open_source("emnist-letters", data_dir=tmp_path)


def test_an_encrypted_archive_is_refused(tmp_path):
    content = bytearray(zipped(("letters",)))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = -1
        while (place := content.find(signature, place + 1)) >= 0:
            content[place + offset] |= 1
    put(tmp_path / "emnist", bytes(content))
    with pytest.raises(DataError, match="encrypted"):
        open_source("emnist-letters", data_dir=tmp_path)


def test_a_path_is_refused(tmp_path):
    with pytest.raises(UsageError, match="takes none"):
        open_source("emnist-letters", tmp_path, data_dir=tmp_path)
