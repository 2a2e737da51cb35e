"""A trained network in words."""

from mnistlab.store.run_record import RunFacts
from mnistlab.support.text_format import counted


def network_in_words(facts: RunFacts) -> str:
    """The network in words, with its size."""
    kinds = [layer.kind for layer in facts.layers]
    convolutions, dense = kinds.count("conv"), kinds.count("dense")
    hidden = [layer.output_shape[0] for layer in facts.layers if layer.kind == "dense"]
    if convolutions:
        name = f"A CNN of {counted(convolutions, 'convolution')} and {dense} dense "
        name += "layer" if dense == 1 else "layers"
    elif dense == 1:
        name = "Softmax regression" if kinds == ["dense", "activation"] else "A single layer"
    else:
        name = f"An MLP with {counted(dense - 1, 'hidden layer')} "
        name += f"({', '.join(f'{units:,}' for units in hidden[:-1])})"
    return f"{name}, {counted(facts.parameters, 'parameter')}"
