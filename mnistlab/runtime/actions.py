"""What an op does with a weight's gradient as soon as it is summed; see gradient_action.py."""

SET, ADD, DECAY, SGD, MOMENTUM = range(5)
