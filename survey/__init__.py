"""The science of a survey: pure functions on frames, one module a stage.

Three rooms hold what the stages are built of: `sampling` under design, `estimation` under estimate and compare,
`regression` under model.

`from survey import Study` is the analyst's door. It opens on the store of a workspace, which the science itself may not
know: hence it is looked up only when somebody asks for it, the one arrow that points upwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.study import Study

__all__ = ["Study"]


def __getattr__(name: str) -> Any:
    if name == "Study":
        from flows.study import Study

        return Study
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
