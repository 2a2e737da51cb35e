"""Whether a difference between runs is larger than the effect of the seed: intervals and tests.

Every function takes numbers and returns numbers; docs/statistics.md has the equations, the
assumptions and the sources.
"""
