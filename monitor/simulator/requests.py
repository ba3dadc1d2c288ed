"""What clients send: bodies and query parameters, read and checked."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from monitor.simulator.answers import Refusal, not_json, unprocessable

__all__ = [
    "BulkUpdate",
    "CategoryBody",
    "Completion",
    "ConversationInfo",
    "DailyRange",
    "Feedback",
    "Message",
    "State",
    "TitleBody",
    "read_body",
    "read_query",
]

_Model = TypeVar("_Model", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class State(StrEnum):
    """The states that a conversation can be put into."""

    NO = "no"
    EB = "eb"
    EA = "ea"
    EU = "eu"
    WA = "wa"
    WU = "wu"
    WU2 = "wu2"
    IN = "in"
    PND = "pnd"
    EO = "eo"
    LCK = "lck"

    @property
    def ends(self) -> bool:
        """Whether a conversation in this state has ended: those that begin with e, as far as is known."""
        return self.value.startswith("e")


class ConversationInfo(_Body):
    """What can be changed of a conversation; null leaves it as it is."""

    state: State | None = None
    assignee: str | None = None
    category_ids: list[str] | None = None
    title: str | None = None


class BulkUpdate(_Body):
    """A change of every conversation that fits all the filters that are given."""

    user_ids: list[str] | None = None
    llm_app_ids: list[str] | None = None
    category_ids: list[str] | None = None
    conversation_ids: list[str] | None = None
    conversation_info: ConversationInfo


class TitleBody(_Body):
    """A new title."""

    title: str


class Feedback(_Body):
    """A vote and its reasons, which no operation shows again."""

    rating: bool | None = None
    feedback_selection: (
        list[Literal["not_relevant", "inaccurate", "not_best_answer", "wrong_intent", "too_slow", "low_quality", "etc"]]
        | None
    ) = None
    suggested_answer: str | None = None


class CategoryBody(_Body):
    """A new category."""

    name: str


class Message(BaseModel):
    """One message to a language model."""

    role: Literal["system", "developer", "assistant", "user"]
    content: str


class Completion(BaseModel):
    """A question put to a language model directly."""

    messages: list[Message]
    model: str = "gpt4_o"
    temperature: float = 0.3
    mode: Literal["sync", "stream"] = "sync"
    max_tokens: int = Field(default=2048)


class DailyRange(_Body):
    """The days of the daily count, both included."""

    start_date: date
    end_date: date


async def read_body(request: Request, model: type[_Model]) -> _Model:
    """Return the body of `request` as `model`; raise Refusal with a 400 or a 422."""
    try:
        content = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(not_json()) from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise Refusal(unprocessable("body", error)) from error


def read_query(request: Request, model: type[_Model], ignored: frozenset[str] = frozenset()) -> _Model:
    """
    Return the query parameters of `request` as `model`, repeated keys as lists; raise Refusal with a 422.

    Parameters in `ignored` and those that `model` does not know are left out.
    """
    given: dict[str, str | list[str]] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        values = request.query_params.getlist(key)
        if values and key not in ignored:
            given[key] = values if len(values) > 1 else values[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refusal(unprocessable("query", error)) from error
