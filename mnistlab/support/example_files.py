"""The example files that come with mnistlab: configurations, a picture, a tour of Python."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
INSTALLED = PACKAGE / "examples"
# In a clone, both folders stand beside the package.
FOLDER = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent
CONFIGS, OTHERS = "configs", "examples"


def example_paths() -> dict[str, Path]:
    """The path of every example configuration by its name; those of folders come last.

    `best/mlp` is the name of configs/best/mlp.yaml. Linked folders are left out: `reproduce` has
    the configurations of papers and reports.
    """
    top = FOLDER / CONFIGS
    files = sorted(top.rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    return {path.relative_to(top).with_suffix("").as_posix(): path for path in files}


def all_example_files() -> dict[Path, bytes]:
    """The content of every example file by its path, which begins with configs/ or examples/."""
    others = sorted(path for path in (FOLDER / OTHERS).iterdir() if path.is_file())
    files = [*example_paths().values(), *others]
    return {path.relative_to(FOLDER): path.read_bytes() for path in files}
