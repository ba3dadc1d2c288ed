"""
Which unit a time of the API is in.

The API description types every time as a bare number. Older examples use milliseconds with a fraction; nothing says
what this API uses, so it is inferred from the size of each value and checked against the second in which the object's
id was made (MongoDB's ObjectId starts with it). What disagrees is refused: a wrong unit would make every age wrong.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from enum import Enum
from typing import Literal

__all__ = ["EARLIEST", "LATEST", "TimeUnit", "UnclearTime", "Units", "object_id"]

EARLIEST, LATEST = 978_307_200.0, 4_102_444_800.0
"""The years 2001 to 2100, in UTC seconds since the epoch: no time outside of them is believed."""

_ABOVE_IS_MS, _ABOVE_IS_US = 1e11, 1e14
_DAY = 86400.0
_OBJECT_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE | re.ASCII)
_TYPED_ID = re.compile(rb"[A-Za-z]\w{0,63}:([0-9A-Fa-f]{24})", re.ASCII)

TimeUnit = Literal["auto", "s", "ms"]


class UnclearTime(ValueError):
    """A value that cannot be a time, or whose unit cannot be told."""


class _Unit(Enum):
    """How many of the unit make a second, and how a filter writes it: as a plain decimal, never with an exponent."""

    S = (1.0, ".3f")
    MS = (1e3, ".0f")
    US = (1e6, ".0f")

    @property
    def per_second(self) -> float:
        return self.value[0]

    @property
    def format(self) -> str:
        return self.value[1]


class Units:
    """
    Converts times between the API's unit and seconds.

    `configured` overrides the inference, for servers whose ids tell nothing. `drifted` is called with ``time_unit``
    for each value that contradicts the id of its object.
    """

    def __init__(self, configured: TimeUnit, drifted: Callable[[str], None]) -> None:
        self._fixed = None if configured == "auto" else _Unit[configured.upper()]
        self._seen = self._fixed
        self._filter: _Unit | None = None
        self._drifted = drifted

    @property
    def known(self) -> bool:
        """Whether the unit of filters is known, or at least that of answers. Until then, filters may miss all."""
        return self._filter is not None or self._seen is not None

    def seconds(self, value: float, made_with: str | None = None) -> float:
        """
        Return the UTC seconds since the epoch that `value` stands for.

        `made_with` is the id of the object that was made at that time. Raises UnclearTime.
        """
        unit = self._fixed or _inferred(value)
        at = value / unit.per_second
        if not EARLIEST <= at <= LATEST:  # false for NaN, too
            raise UnclearTime("not a time between 2001 and 2100")
        made_at = _made_at(made_with) if made_with is not None else None
        if made_at is not None and abs(at - made_at) >= _DAY:
            self._drifted("time_unit")
            if self._fixed is None:
                raise UnclearTime("differs by a day or more from the second in the id of its object")
        self._seen = unit
        return at

    def write_filters_in(self, unit: str | None) -> None:
        """Write filters in ``s``, ``ms`` or ``us`` from now on; None is the unit of answers."""
        self._filter = None if unit is None else _Unit[unit.upper()]

    def filter_value(self, at: float) -> str:
        """
        Return how a filter writes a moment: in the unit that `write_filters_in` was told.

        Else it is the unit that answers use, milliseconds until one was seen.
        """
        unit = self._filter or self._seen or _Unit.MS
        return format(at * unit.per_second, unit.format)


def object_id(text: str) -> str | None:
    """Return the 24 hexadecimal digits of an ObjectId, bare or as base64 of ``Type:ObjectId``; None for other ids."""
    if _OBJECT_ID.fullmatch(text):
        return text.lower()
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    match = _TYPED_ID.fullmatch(decoded)
    return match[1].decode().lower() if match else None


def _inferred(value: float) -> _Unit:
    if value > _ABOVE_IS_US:
        return _Unit.US
    return _Unit.MS if value > _ABOVE_IS_MS else _Unit.S


def _made_at(made_with: str) -> float | None:
    digits = object_id(made_with)
    if digits is None:
        return None
    made_at = float(int(digits[:8], 16))
    return made_at if EARLIEST <= made_at <= LATEST else None  # other ids have the shape, but not the meaning
