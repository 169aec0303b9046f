"""Two sides' numbers by round: which of them are pairs, and which are independent sets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import stats
from edgebench.analysis.compare_samples import HIGHER_IS_BETTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.analysis.stats import LogRatio
    from edgebench.schema.comparison import Metric


class Launches(NamedTuple):
    """Numbers of two sides by round; `in_turns` says that launches of one round are neighbours."""

    base: Mapping[int, float]
    head: Mapping[int, float]
    in_turns: bool

    @property
    def pairs(self) -> int:
        return len(self._shared()) if self.in_turns else min(len(self.base), len(self.head))

    def ratio(self, metric: Metric) -> LogRatio | None:
        """The slowdown: above 1 where head is worse."""
        one, two = self._places()
        if metric in HIGHER_IS_BETTER:
            one, two = two, one
        return stats.paired(one, two) if self.in_turns else stats.unpaired(one, two)

    def within(self, first: int, end: int | None) -> Launches:
        """Only the rounds from `first` on and before `end`."""
        stop = math.inf if end is None else end
        base, head = (
            {number: value for number, value in side.items() if first <= number < stop}
            for side in (self.base, self.head)
        )
        return self._replace(base=base, head=head)

    def halves(self) -> tuple[Launches, Launches]:
        """Earlier and later launches; sessions that were not interleaved are halved each."""
        if self.in_turns:
            shared = self._shared()
            middle = shared[len(shared) // 2] if shared else 0
            return self.within(0, middle), self.within(middle, None)
        (base_1, base_2), (head_1, head_2) = _halved(self.base), _halved(self.head)
        return self._replace(base=base_1, head=head_1), self._replace(base=base_2, head=head_2)

    def _shared(self) -> list[int]:
        return sorted(set(self.base) & set(self.head))

    def _places(self) -> tuple[list[float], list[float]]:
        if not self.in_turns:
            return list(self.base.values()), list(self.head.values())
        shared = self._shared()
        return [self.base[number] for number in shared], [self.head[number] for number in shared]


def _halved(side: Mapping[int, float]) -> tuple[dict[int, float], dict[int, float]]:
    items = sorted(side.items())
    middle = len(items) // 2
    return dict(items[:middle]), dict(items[middle:])
