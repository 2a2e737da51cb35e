"""From a configuration to a trained network: lowering, trainer, evaluation, gradient check."""
