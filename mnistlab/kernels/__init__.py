"""The maths: each layer, loss, penalty and optimizer once, in plain loops."""
