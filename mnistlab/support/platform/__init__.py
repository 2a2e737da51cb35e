"""Everything that differs between operating systems: locks, renames, links, processes, memory.

`system` is the module of this system, `posix` or `windows`. Both define the same functions. No
other module of the package asks which system it runs on.
"""

import sys

if sys.platform == "win32":
    from mnistlab.support.platform import windows as system
else:
    from mnistlab.support.platform import posix as system

__all__ = ["system"]
