"""How a request proves who sends it: by API key or by bearer token (the API description's security schemes)."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ApiKey", "Bearer", "Credential"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    The project's key, sent as `API-KEY`. Its value never shows in `repr`.

    Raises ValueError when it cannot stand in an HTTP header; the message does not quote it.
    """

    value: str = field(repr=False)

    def __post_init__(self) -> None:
        _check(self.value, "API key")

    @property
    def header(self) -> tuple[str, str]:
        """The name and the value of the request header."""
        return "API-KEY", self.value


@dataclass(frozen=True, slots=True)
class Bearer:
    """
    A bearer token, sent as `Authorization`. Its value never shows in `repr`.

    Raises ValueError when it cannot stand in an HTTP header; the message does not quote it.
    """

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        _check(self.token, "token")

    @property
    def header(self) -> tuple[str, str]:
        """The name and the value of the request header."""
        return "Authorization", f"Bearer {self.token}"


Credential = ApiKey | Bearer


def _check(secret: str, name: str) -> None:
    # Refused here, because the HTTP library quotes a header that it cannot send in its error.
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ValueError(f"the {name} is empty or holds a character that cannot stand in an HTTP header")
