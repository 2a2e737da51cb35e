"""The engine: a model lowered to a table of ops, and one compiled loop that walks it."""
