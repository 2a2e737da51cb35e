"""Where the `npz` source finds its file."""

from own_files_helpers import SMALL, assert_same, open_own, refusal, write_npz


def test_the_path_is_the_file_or_its_folder(tmp_path):
    folder = write_npz(tmp_path / "own", SMALL)
    assert_same(open_own("npz", folder / "mnist.npz"), SMALL)
    (folder / "mnist.npz").rename(folder / "digits.NPZ")
    assert_same(open_own("npz", folder), SMALL)
    assert_same(open_own("npz", folder / "digits.NPZ"), SMALL)


def test_of_several_files_mnist_npz_is_read(tmp_path):
    folder = write_npz(tmp_path / "own", SMALL)
    (folder / "a.npz").write_bytes(b"")
    assert_same(open_own("npz", folder), SMALL)
    (folder / "mnist.npz").rename(folder / "b.npz")
    assert "expected one .npz file, found a.npz, b.npz" in refusal("npz", folder)


def test_a_folder_without_the_file_is_named(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "._mnist.npz").write_bytes(b"")
    told = refusal("npz", tmp_path / "own")
    assert told == f"{tmp_path / 'own'}: expected a file named mnist.npz, found none; add it"
