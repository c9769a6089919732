"""What analysts import: `from anxin import Study`.

A package of one line, because the science may not know the store that a Study reads from.
"""

from flows.study import Study

__all__ = ["Study"]
