"""The sections about what is watched: projects, apps, polling and what may be stopped."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from monitor.model.conversation import App
from monitor.model.stop import StopMode
from monitor.settings.fields import (
    FrozenMap,
    HeaderSecret,
    HeaderSecretFile,
    Interval,
    Labels,
    SecretFile,
    Section,
    Span,
    Url,
    ZoneName,
    empty_map,
    problem,
    refuse,
)
from monitor.settings.http import HttpConfig

__all__ = [
    "AppRule",
    "AutoStop",
    "Baseline",
    "Budget",
    "Polling",
    "PollingOverride",
    "Project",
    "ProjectName",
    "RatingTier",
    "StopOverride",
    "canonical_header",
    "matches_app",
]

_PROJECT_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}")
_HEADER_NAME = re.compile(r"[a-zA-Z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.1: a token
_REFUSED_HEADERS = {
    "own-user-id": "is refused: Alli would create a user",
    "user-email": "is refused: Alli would create a user",
    "api-key": "is set by api_key or api_key_file",
    "authorization": "is set by token or token_file",
}
_PLACEHOLDERS = ("project", "conversation_id")


def _check_project_name(name: str) -> str:
    if not _PROJECT_NAME.fullmatch(name) or "__" in name:
        raise ValueError("is not a project name: up to 63 letters, digits and . _ - without __")
    return name


ProjectName = Annotated[str, AfterValidator(_check_project_name)]
"""A name that fits into metrics, paths and the names of environment variables."""


class StopOverride(Section):
    """What a project or an app says differently about stopping; None is what the level above says."""

    mode: StopMode | None = None


class Baseline(Section):
    """What is told at the very first start: negative ratings at most `tell_since` seconds old."""

    tell_since: Span = 0.0


class RatingTier(Section):
    """Look at the ratings of conversations whose last chat is `younger_than` this each `every` seconds."""

    younger_than: Interval
    every: Interval


def _check_order(tiers: tuple[RatingTier, ...]) -> tuple[RatingTier, ...]:
    for index, (tier, following) in enumerate(pairwise(tiers)):
        if tier.younger_than >= following.younger_than:
            refuse(problem("should be longer than that of the tier before", index + 1, "younger_than"))
    return tiers


_Tiers = Annotated[tuple[RatingTier, ...], AfterValidator(_check_order)]


class Polling(Section):
    """How often what is asked, in seconds."""

    runs: Interval = 10.0
    conversations: Interval = 30.0
    ratings: _Tiers = (
        RatingTier.model_validate({"younger_than": "2h", "every": "5m"}),
        RatingTier.model_validate({"younger_than": "24h", "every": "30m"}),
        RatingTier.model_validate({"younger_than": "7d", "every": "6h"}),
    )
    daily_count: Interval = 3600.0
    evaluation: Interval = 15.0


class PollingOverride(Section):
    """What a project says differently about polling; None is what the section `polling` says."""

    runs: Interval | None = None
    conversations: Interval | None = None
    ratings: _Tiers | None = None
    daily_count: Interval | None = None
    evaluation: Interval | None = None


class Project(Section):
    """
    One Alli project: a base URL and exactly one credential.

    `conversation_url` is a template of a link into the Alli dashboard with the placeholders ``{project}`` and
    ``{conversation_id}``, or empty. Values of headers are secret, because gateways want keys there.
    """

    base_url: Url = "https://backend.alli.ai"
    api_key_text: HeaderSecret | None = Field(default=None, alias="api_key")
    api_key_file: HeaderSecretFile | None = None
    token_text: HeaderSecret | None = Field(default=None, alias="token")
    token_file: HeaderSecretFile | None = None
    headers_text: FrozenMap[str, SecretStr] = Field(default_factory=empty_map, alias="headers")
    headers_file: FrozenMap[str, SecretFile] = Field(default_factory=empty_map)
    time_unit: Literal["auto", "s", "ms"] = "auto"
    timezone: ZoneName = "UTC"
    requests_per_minute: int = Field(default=60, ge=1, le=60_000)
    max_in_flight: int = Field(default=2, ge=1, le=8)
    timeout: Interval = 20.0
    http_config: HttpConfig = HttpConfig()
    polling: PollingOverride = PollingOverride()
    conversation_url: str = ""
    baseline: Baseline = Baseline()
    auto_stop: StopOverride = StopOverride()

    @property
    def api_key(self) -> SecretStr | None:
        """The key for the API-KEY header, None where a bearer token is used."""
        return self.api_key_text or self.api_key_file

    @property
    def token(self) -> SecretStr | None:
        """The bearer token, None where an API key is used."""
        return self.token_text or self.token_file

    @property
    def headers(self) -> Mapping[str, SecretStr]:
        """The extra request headers, with the values that stand in files among them."""
        return {**self.headers_text, **self.headers_file}

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its days, and of times in messages."""
        return ZoneInfo(self.timezone)

    @property
    def host(self) -> str:
        """The host of the base URL."""
        return urlsplit(self.base_url).hostname or ""

    @field_validator("headers_text", "headers_file")
    @classmethod
    def _check_headers(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        refusals = ((name, _refusal(name, value)) for name, value in headers.items())
        refuse(*(problem(refusal, name) for name, refusal in refusals if refusal))
        return headers

    @field_validator("conversation_url")
    @classmethod
    def _check_template(cls, template: str) -> str:
        if not template:
            return template
        if not template.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        try:
            parts = list(string.Formatter().parse(template))
        except ValueError:
            raise ValueError("has a { or } that is not part of a placeholder") from None
        for _, name, form, conversion in parts:
            if name is not None and (name not in _PLACEHOLDERS or form or conversion):
                raise ValueError("knows the placeholders {project} and {conversation_id} only")
        return template

    @model_validator(mode="after")
    def _check_credential(self) -> Self:
        given = (self.api_key_text, self.api_key_file, self.token_text, self.token_file)
        if sum(secret is not None for secret in given) != 1:
            raise ValueError("give exactly one of api_key, api_key_file, token and token_file")
        return self

    @model_validator(mode="after")
    def _check_headers_once(self) -> Self:
        given = {canonical_header(name) for name in self.headers_text}
        twice = (name for name in self.headers_file if canonical_header(name) in given)
        refuse(*(problem("stands in headers, too", "headers_file", name) for name in twice))
        return self


def _refusal(name: str, value: SecretStr) -> str | None:
    text = value.get_secret_value()
    if not _HEADER_NAME.fullmatch(name):
        return "is not the name of an HTTP header"
    if not text.isascii() or not text.isprintable():
        return "holds characters that an HTTP header cannot carry"
    return _REFUSED_HEADERS.get(canonical_header(name))


def canonical_header(name: str) -> str:
    """Return the one spelling of a header's name; servers in the manner of CGI take an underscore for a hyphen."""
    return name.lower().replace("_", "-")


def matches_app(pattern: str, app: App | None) -> bool:
    """Return whether the glob matches the id or the name of `app`; no app is an app without id and name."""
    if app is None:
        return fnmatchcase("", pattern)
    return fnmatchcase(app.id, pattern) or fnmatchcase(app.name, pattern)


class AppRule(Section):
    """What holds for the apps whose id or name the glob `match` matches; the first such entry counts."""

    match: str = Field(min_length=1)
    run_limit: Interval = 3600.0
    labels: Labels = Field(default_factory=empty_map)
    runbook_url: Url | None = None
    auto_stop: StopOverride = StopOverride()


class Budget(Section):
    """How many requests to stop a run may be made in a rolling hour of one project."""

    per_hour: int = Field(default=20, ge=0)
    per_app_per_hour: int = Field(default=10, ge=0)


class AutoStop(Section):
    """Whether and where rules may stop runs; `apps` are globs of ids or names."""

    mode: StopMode = StopMode.SHADOW
    apps: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    budget: Budget = Budget()
    cooldown: Span = 600.0
    verify_within: Interval = 120.0
