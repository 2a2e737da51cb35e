"""What the faults of five course reports did: the right gradient beside the faulty one.

    python -m docs.faults a          # one report: computes, and prints its section
    python -m docs.faults --write    # all of them, into docs/reports.md

The faulty rules stand here alone, in plain numpy, as a textbook would write them; mnistlab's own
engine has none of them. A module per report, `common.py` for what they share.
"""
