"""What a message is worded with: the same for every language, each in a module of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model.alert import Transition

__all__ = ["BuiltinWords", "Units", "Words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """How a duration is written: what follows each number, and what stands between two of them."""

    day: str
    hour: str
    minute: str
    second: str
    between: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltinWords:
    """What a built-in alert says, where its own summary is in another language, and what to do about it."""

    summary: str
    to_do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """
    All that messages say, in one language.

    What has `{names}` is a template for `str.format`; none of them lets a particle or an ending depend on what is put
    in. Names of lines stand before a value, as `Since` does.
    """

    language: str  # ISO 639-1
    units: Units
    ago: str  # {duration}
    just_now: str

    # Titles
    states: Mapping[Transition, str]
    still_firing: str
    counted: str  # {state} {count}
    more: str  # {count}

    # Names of lines
    since: str
    running: str
    ran: str
    count: str
    rating: str
    stop: str
    to_do: str
    progress: str
    last_step: str
    not_observed: str
    acknowledged_by: str
    lasted: str
    ended: str
    details: str
    conversation: str
    labels: str

    # Values of lines
    since_then: str  # {time} {ago}
    between: str  # {duration} {begin} {end}
    at_least: str  # {duration}
    limited: str  # {value} {limit}
    counted_within: str  # {count} {within}
    rated: str  # {rating} {by}
    step: str  # {step} {ago}
    blind_before: str  # {duration}
    ratings: Mapping[str, str]  # by what stands in the facts: each Vote
    raters: Mapping[str, str]  # each Rater
    resolutions: Mapping[str, str]  # each Resolution
    stops: Mapping[str, str]  # each StopResult
    because: str  # {what} {why}
    why_refused: Mapping[str, str]  # each Decision that refuses
    builtins: Mapping[str, BuiltinWords]  # each Builtin

    # Links
    open_conversation: str
    open_console: str
    open_runbook: str
