"""What a feature answers of many runners: the five kinds of reading, side by side in arrays."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from app.features.log_columns import ColumnFacts
from app.runners.told_columns import Mask, Whole

UNKNOWN: Final = 0
NUMBER: Final = 1
CHOICE: Final = 2
BETWEEN: Final = 3
"""The number lies between two ends; an upper end of which the denominator is `UNBOUNDED` is none."""
NOT_APPLICABLE: Final = 4
UNBOUNDED: Final = -1


class RatioColumn(NamedTuple):
    """Numbers as two whole numbers each; where a column has but one denominator, it is given once."""

    numerator: Whole
    denominator: Whole | int


class ReadingColumn(NamedTuple):
    """The readings of one feature.

    Attributes:
        kind: `UNKNOWN`, `NUMBER` and so on.
        number: of a `NUMBER`; of a `BETWEEN`, its low end; None where the feature has no numbers.
        high: of a `BETWEEN`, its upper end; None where the feature never answers so.
        choice: of a `CHOICE`, its place among the feature's choices; None where it has none.
    """

    kind: Whole
    number: RatioColumn | None = None
    high: RatioColumn | None = None
    choice: Whole | None = None


DeriveColumn: TypeAlias = Callable[[ColumnFacts], ReadingColumn]


def kinds(*, where: Mask, kind: int = NUMBER, otherwise: int | Whole = UNKNOWN) -> Whole:
    """One kind where the mask is set, another elsewhere.

    >>> kinds(where=np.array([True, False])).tolist()
    [1, 0]
    """
    return np.where(where, kind, otherwise).astype(np.int64)
