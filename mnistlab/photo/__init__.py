"""A user's picture, prepared as the input of a network."""
