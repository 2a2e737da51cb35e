"""The effect of the faults in five course reports: the right gradient and the faulty one.

    python -m docs.faults a          # computes one report's section and prints it
    python -m docs.faults --write    # writes the sections of all reports into docs/reports.md

The faulty rules are only here, in plain numpy as in a textbook; mnistlab's engine has none of them.
There is one module for each report; `common.py` has what they share.
"""
