"""Types of the values in scenario files, each with the message that tells a mistake."""

from __future__ import annotations

import math
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from monitor.durations import Duration, parse_duration
from monitor.simulator.operations import OPERATIONS
from monitor.simulator.query import ListQuery
from monitor.simulator.shape import FIELDS, NULLABLE

__all__ = [
    "FieldName",
    "ListParameter",
    "NullableField",
    "Offset",
    "OperationName",
    "Period",
    "Share",
    "StopLag",
    "TimeZone",
]


def _offset(value: Any) -> float:
    if not isinstance(value, str):
        raise ValueError("an offset is text with a unit, such as 12s or -2h")  # noqa: TRY004 - pydantic's way
    return -parse_duration(value[1:]) if value.startswith("-") else parse_duration(value)


def _stop_lag(value: Any) -> float:
    words = {"at_once": 0.0, "ignored": math.inf}
    if not isinstance(value, str):
        raise ValueError("stop is at_once, ignored, or how long it lags, such as 5s")  # noqa: TRY004 - pydantic's way
    return words[value] if value in words else parse_duration(value)


def _operation_name(value: str) -> str:
    names = [operation.name for operation in OPERATIONS]
    if value not in names:
        raise ValueError(f"no such operation; known are {', '.join(names)}")
    return value


def _list_parameter(value: str) -> str:
    names = [field.alias for field in ListQuery.model_fields.values()]
    if value not in names:
        raise ValueError(f"the list has no parameter {value!r}")
    return value


def _field_name(value: str) -> str:
    if value not in FIELDS:
        raise ValueError(f"no field {value!r} is known; a name is that of type and field, such as Chat.completed")
    return value


def _nullable_field(value: str) -> str:
    if value not in NULLABLE:
        raise ValueError(f"no field {value!r} may be null; known are {', '.join(sorted(NULLABLE))}")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is not a time zone such as Asia/Seoul") from error
    return value


Offset = Annotated[float, BeforeValidator(_offset)]
"""Seconds from the start of the world, negative for its history."""

Period = Annotated[Duration, Field(gt=0)]
"""Seconds, more than none."""

StopLag = Annotated[float, BeforeValidator(_stop_lag)]
"""Seconds that a run outlives a stop request: the words `at_once` (0) and `ignored` (infinity), or a duration."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A probability."""

OperationName = Annotated[str, AfterValidator(_operation_name)]
"""The name of an operation of the API."""

ListParameter = Annotated[str, AfterValidator(_list_parameter)]
"""A query parameter of the list of conversations."""

FieldName = Annotated[str, AfterValidator(_field_name)]
"""The name of a field of what the API shows, with its type, such as ``Chat.completed``."""

NullableField = Annotated[str, AfterValidator(_nullable_field)]
"""The name of such a field that may be null."""

TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""The IANA name of a time zone."""
