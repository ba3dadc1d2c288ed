"""What goes wrong between a client and the simulated server."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Fault", "FaultKind", "Faults"]


class FaultKind(StrEnum):
    """Kinds of faults. Those of `refuses` keep the request from having an effect; the others spoil the answer."""

    ERROR = "error"  # 5xx, or whatever `status` says
    THROTTLE = "throttle"  # 429, with Retry-After if `retry_after` is set
    REVOKED = "revoked"  # 401 for every key
    DROPPED = "dropped"  # the connection breaks before the request is carried out
    RESET = "reset"  # the connection breaks after the request is carried out
    SLOW = "slow"  # the answer is held back for `delay`
    TRUNCATED = "truncated"  # the JSON breaks off in the middle
    HTML = "html"  # a web page in a 200
    EMPTY = "empty"  # no body in a 200
    ENVELOPE = "envelope"  # good JSON around the answer that is not documented
    BAD_ROW = "bad_row"  # one row of the page is of the wrong shape

    @property
    def refuses(self) -> bool:
        """Whether the request has no effect."""
        return self in {FaultKind.ERROR, FaultKind.THROTTLE, FaultKind.REVOKED, FaultKind.DROPPED}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fault:
    """
    A fault that strikes from `begins` until just before `ends` (server time).

    It strikes the named `operations`, or every one when there are none, with the probability `chance`, at most
    `count` times. `delay` and `retry_after` are seconds; the latter is sent as an HTTP date with `retry_after_date`.
    """

    kind: FaultKind
    begins: float = -math.inf
    ends: float = math.inf
    operations: frozenset[str] = frozenset()
    chance: float = 1.0
    count: int | None = None
    status: int = 503
    delay: float = 0.0
    retry_after: float | None = None
    retry_after_date: bool = False

    @property
    def refusal_status(self) -> int | None:
        """The HTTP status of a fault that refuses; None where the connection breaks instead."""
        match self.kind:
            case FaultKind.THROTTLE:
                return 429
            case FaultKind.REVOKED:
                return 401
            case FaultKind.DROPPED:
                return None
            case _:
                return self.status


class Faults:
    """The faults that are planned, and how often each kind struck."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chance in a simulation guards nothing
        self._planned: list[Fault] = []
        self._struck: Counter[Fault] = Counter()

    def add(self, fault: Fault) -> None:
        """Plan a fault; of several that apply to a request, the one added first strikes."""
        self._planned.append(fault)

    def remove(self, kind: FaultKind | None = None) -> None:
        """Forget the faults of one kind, or all of them."""
        self._planned = [fault for fault in self._planned if kind is not None and fault.kind is not kind]

    def strike(self, operation: str, now: float) -> Fault | None:
        """Return the fault that strikes a request for `operation`, if one does, and count it."""
        for fault in self._planned:
            if self._applies(fault, operation, now):
                self._struck[fault] += 1
                return fault
        return None

    def counts(self) -> dict[str, int]:
        """How often each kind of fault struck, by its name."""
        counts: Counter[str] = Counter()
        for fault, times in self._struck.items():
            counts[fault.kind.value] += times
        return dict(counts)

    def _applies(self, fault: Fault, operation: str, now: float) -> bool:
        return (
            fault.begins <= now < fault.ends
            and (not fault.operations or operation in fault.operations)
            and (fault.count is None or self._struck[fault] < fault.count)
            and (fault.chance >= 1 or self._random.random() < fault.chance)
        )
