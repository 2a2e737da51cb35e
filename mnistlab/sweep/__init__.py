"""Many runs from one configuration: which trials there are, who runs them, which is best.

`mnistlab.sweep(config, parameters)` is a function to who imports mnistlab, and Python gives a
package's attribute to the room of that name: so the room is what is called. See
`mnistlab.library.training.sweep`.
"""

import sys
from types import ModuleType
from typing import Any


class _CallableRoom(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        from mnistlab.library.training import sweep

        return sweep(*args, **options)


sys.modules[__name__].__class__ = _CallableRoom
