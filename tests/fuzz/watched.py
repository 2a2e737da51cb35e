"""Which keys of a configuration the second engine reads; one never read has no witness."""

from functools import cache

from pydantic import BaseModel
from schema_draws import SCHEMA, resolved

# Keys that change no number of a float64 run, or that the fuzzer sets itself.
WITHOUT_EQUATION = {
    "RunConfig.base": "the loader puts the base's keys in its place",
    "RunConfig.name": "it names the folder",
    "RunConfig.reference": "it stands beside what was measured",
    "DataConfig.source": "the images are made by the fuzzer",
    "DataConfig.path": "the images are made by the fuzzer",
    "DataConfig.class_names": "names change no number",
    "TrainingConfig.dtype": "the second engine is of float64; float32 is held to its own bits",
    "TrainingConfig.snapshots": "it keeps files, and changes no number",
    "Teacher.run": "a teacher needs a whole run; PyTorch witnesses it in test_teacher.py",
    "Teacher.weights": "as Teacher.run",
    "Teacher.temperature": "as Teacher.run",
    "Teacher.weight": "as Teacher.run",
    "CrossEntropy.teacher": "as Teacher.run",
    "TrainingConfig.kernels": "both kinds of kernels are held to the same equations",
    "FileInit.bias": "the file holds the biases too",
    "RunFileInit.bias": "the file holds the biases too",
    "WeightsOfRun.bias": "the run has the biases too",
    "RunWeightsOfRun.bias": "the run has the biases too",
}


class Watched:
    """A section of a configuration that notes, as `Section.key`, which keys are read."""

    def __init__(self, section, read):
        self._section, self._read = section, read

    def __getattr__(self, name):
        found = type(self._section).model_fields.get(name)
        if found is not None:
            self._read.add(f"{type(self._section).__name__}.{found.alias or name}")
        return watched(getattr(self._section, name), self._read)


def watched(value, read):
    """The same value, every section in it watched."""
    if isinstance(value, BaseModel):
        return Watched(value, read)
    if isinstance(value, tuple | list):
        return type(value)(watched(one, read) for one in value)
    if isinstance(value, dict):
        return {key: watched(one, read) for key, one in value.items()}
    return value


def keys_in(value):
    """`Section.key` for every key of every section in a configuration, read or not."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        own = {f"{type(value).__name__}.{field.alias or key}" for key, field in fields.items()}
        return own.union(*(keys_in(getattr(value, key)) for key in fields))
    if isinstance(value, tuple | list):
        return set().union(*map(keys_in, value))
    if isinstance(value, dict):
        return set().union(*map(keys_in, value.values()))
    return set()


@cache
def keys_of_schema():
    """Every key that needs an equation, as `Section.key`, and where a user writes it."""
    found = {}
    _walk(SCHEMA, "RunConfig", (), found)
    return found


def _walk(schema, section, path, found):
    for keyword in ("anyOf", "oneOf"):
        for one in schema.get(keyword, ()):
            _visit(one, path, found)
    if isinstance(schema.get("items"), dict):
        _visit(schema["items"], path, found)
    if isinstance(schema.get("additionalProperties"), dict):
        _visit(schema["additionalProperties"], (*path, "NAME"), found)
    for key, one in schema.get("properties", {}).items():
        name = f"{section}.{key}"
        if name not in found and name not in WITHOUT_EQUATION:
            found[name] = ".".join((*path, key))
            _visit(one, (*path, key), found)


def _visit(schema, path, found):
    whole = resolved(schema)
    kind = whole.get("properties", {}).get("type", {}).get("const")
    place = (*path[:-1], f"{path[-1]} ({kind})") if kind else path
    _walk(whole, whole.get("title"), place, found)


def sentences(read):
    """What to say of each key that the schema has and that was never read."""
    return [
        f"{place}: no equation of the second engine reads this key ({name}); write it in "
        "tests/training/ or tests/fuzz/*_oracle.py, or say in tests/fuzz/watched.py why none is "
        "needed"
        for name, place in keys_of_schema().items()
        if name not in read
    ]
