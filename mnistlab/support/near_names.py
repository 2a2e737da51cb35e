"""Guesses the known name that an unknown word was probably meant to be."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

# Of the letters of two file names: 0.8 admits two letters in another order, or one that is missing,
# in a name of eight; it does not admit lenet for letter.
NEARLY_THE_SAME, SHORTEST_INSIDE = 0.8, 3
# Names of other libraries and textbooks, in lower case without separators, and what they mean: the
# first that is known in the given context.
_OTHER_NAMES: dict[str, tuple[str, ...]] = {
    # keys
    "act": ("activation",),
    "architecture": ("model",),
    "batch": ("batch_size",),
    "criterion": ("loss",),
    "dataset": ("source",),
    "eta": ("lr",),
    "hiddenlayers": ("hidden",),
    "hiddenlayersizes": ("hidden",),
    "hiddensize": ("hidden",),
    "hiddenunits": ("hidden",),
    "iterations": ("steps",),
    "kernelsize": ("kernel",),
    "learningrate": ("lr",),
    "learningrateinit": ("lr",),
    "lossfunction": ("loss",),
    "lrscheduler": ("lr_schedule",),
    "maxepochs": ("epochs",),
    "maxiter": ("epochs",),
    "maxsteps": ("steps",),
    "minibatch": ("batch_size",),
    "nepochs": ("epochs",),
    "net": ("model",),
    "network": ("model",),
    "nonlinearity": ("activation",),
    "numepochs": ("epochs",),
    "objective": ("loss",),
    "optim": ("optimizer",),
    "outchannels": ("filters",),
    "randomseed": ("seed",),
    "randomstate": ("seed",),
    "regularizer": ("regularization",),
    "scheduler": ("lr_schedule",),
    "stepsize": ("lr",),
    "validationsplit": ("validation",),
    "valsplit": ("validation",),
    "dev": ("validation",),
    "val": ("validation",),
    "valid": ("validation",),
    # weights of a run
    "last": ("final",),
    "latest": ("final",),
    # commands
    "classify": ("predict",),
    "eval": ("evaluate",),
    "fit": ("train",),
    "infer": ("predict",),
    "plot": ("visualize",),
    "run": ("train",),
    "search": ("sweep",),
    "test": ("evaluate",),
    "tune": ("sweep",),
    # losses
    "bce": ("binary_cross_entropy",),
    "bceloss": ("binary_cross_entropy",),
    "bcewithlogitsloss": ("binary_cross_entropy",),
    "binarycrossentropy": ("binary_cross_entropy",),
    "categoricalcrossentropy": ("cross_entropy",),
    "ce": ("cross_entropy",),
    "crossentropyloss": ("cross_entropy",),
    "logloss": ("cross_entropy",),
    "meansquarederror": ("mse",),
    "mseloss": ("mse",),
    "nll": ("cross_entropy",),
    "nllloss": ("cross_entropy",),
    "softmaxcrossentropy": ("cross_entropy",),
    "sparsecategoricalcrossentropy": ("cross_entropy",),
    # activations, layers, models
    "conv2d": ("conv",),
    "convnet": ("cnn",),
    "convolutional": ("cnn",),
    "fc": ("dense", "mlp"),
    "feedforward": ("mlp",),
    "fullyconnected": ("dense", "mlp"),
    "linear": ("identity", "dense", "softmax"),
    "logistic": ("sigmoid", "softmax"),
    "logisticregression": ("softmax",),
    "maxpool": ("pool",),
    "maxpool2d": ("pool",),
    "maxpooling2d": ("pool",),
    # optimizers, initialisations, data
    "emnist": ("emnist-balanced",),
    "fmnist": ("fashion-mnist",),
    "gradientdescent": ("sgd",),
    "he": ("he_normal",),
    "kaiming": ("he_normal",),
    "kaimingnormal": ("he_normal",),
    "kaiminguniform": ("he_uniform",),
    "kuzushijimnist": ("kmnist",),
    "mnistfashion": ("fashion-mnist",),
    "momentum": ("sgd",),
    "xavier": ("glorot_uniform",),
    "xaviernormal": ("glorot_normal",),
    "xavieruniform": ("glorot_uniform",),
}


def same_name(word: str, known: Iterable[str]) -> str | None:
    """The known name of which the word is another spelling or a synonym: `ReLU` is relu,
    `learning_rate` is lr. None if there is none.
    """
    by_letters = {_letters(name): name for name in known}
    letters = _letters(word)
    meant = (name for name in _OTHER_NAMES.get(letters, ()) if name in by_letters.values())
    return by_letters.get(letters) or next(meant, None)


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name most similar to the word; None if none is similar."""
    names = list(known)
    close = difflib.get_close_matches(word, names, 1, cutoff)
    return same_name(word, names) or (close[0] if close else None)


def near_files(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The names of files or folders that a name was probably meant to be, the nearest first.

    Without their suffixes, which make all names alike, they are nearly the same; or one contains
    the whole other: `mlp` is in mnist-mlp.yaml.
    """
    word = _stem(name)
    shares = {one: _share(word, _stem(one)) for one in sorted(known, reverse=True)}
    return sorted((one for one in shares if shares[one]), key=lambda one: -shares[one])[:count]


def _share(word: str, name: str) -> float:
    """How much of two names is the same, 1 for equal ones; 0 if that is too little."""
    share = difflib.SequenceMatcher(None, name.lower(), word.lower()).ratio()
    shorter, longer = sorted((word.lower(), name.lower()), key=len)
    is_inside = len(shorter) >= SHORTEST_INSIDE and shorter in longer
    return share if is_inside or share >= NEARLY_THE_SAME else 0.0


def _stem(name: str) -> str:
    return Path(name).stem or name


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'lr'?` with the most similar known name, or an empty text."""
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else ""


def _letters(name: str) -> str:
    return re.sub(r"[-_. ]", "", name.lower())
