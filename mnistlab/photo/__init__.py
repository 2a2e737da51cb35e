"""A person's picture, and what a network sees of it."""
