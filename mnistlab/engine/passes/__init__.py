"""Every op: it cuts its lane's views out of the memory and calls the layer's maths on them.

All have the arguments `(op, m, lane, step, first, rows)` of `program.function_types`. Lanes write
to places that do not meet and sum nothing between them, so the bits do not depend on the threads.
"""
