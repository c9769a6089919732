"""Past one machine: figures, raking and regression of rows that never are in one place, equal to those in memory.

Each part of the rows is brought down to what is sufficient (tables by sampling unit, weights of crossed cells, QR
factors), these add up in a tree of fixed shape, and the engine of one frame finishes. Who runs the parts is the
caller's business: `Frames` here, Dask in `flows.cluster`.
"""

from survey.partitioned.figures import figures
from survey.partitioned.parts import Frames, Parts, cut
from survey.partitioned.raking import Raked, rake, with_weights
from survey.partitioned.regression import PartitionedFit, fit
from survey.partitioned.sample import Sample
from survey.partitioned.tables import Ask

__all__ = [
    "Ask",
    "Frames",
    "PartitionedFit",
    "Parts",
    "Raked",
    "Sample",
    "cut",
    "figures",
    "fit",
    "rake",
    "with_weights",
]
