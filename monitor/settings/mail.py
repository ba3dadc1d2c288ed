"""Addresses of mail: mailboxes, as RFC 5322 writes them, and the server that takes mail for them."""

from __future__ import annotations

from email import policy
from email.headerregistry import Address
from typing import Annotated, Any

from pydantic import AfterValidator

__all__ = ["Mailbox", "Mailboxes", "Smarthost", "mailboxes", "split_smarthost"]

_LAST_PORT = 65535


def mailboxes(text: str) -> tuple[Address, ...]:
    """
    Return the mailboxes of a list separated by commas, such as ``On-call <oncall@example.com>, cto@example.com``.

    Raises ValueError that does not show `text`. Addresses are ASCII, as every server takes them: an international
    domain is written in its form that begins with ``xn--``.
    """
    if not text.isprintable():
        raise ValueError("holds line breaks or other controls")
    try:
        header: Any = policy.SMTP.header_factory("To", text)  # the stubs do not say what kind of header a name makes
        found, has_defects = tuple(header.addresses), bool(header.defects)
    except Exception:  # noqa: BLE001 - the parser stumbles over some texts, with whatever error comes of that
        found, has_defects = (), True
    if has_defects or not found or not all(map(_is_plain, found)):
        raise ValueError("should be addresses of mail, separated by commas")
    return found


def _is_plain(address: Address) -> bool:
    return bool(address.username and address.domain) and address.addr_spec.isascii()


def _check_list(text: str) -> str:
    mailboxes(text)
    return text


def _check_one(text: str) -> str:
    if len(mailboxes(text)) > 1:
        raise ValueError("should be one address of mail")
    return text


def split_smarthost(text: str) -> tuple[str, int]:
    """Return host and port of ``mail.example.com:587`` or ``[::1]:25``; raise ValueError where one is missing."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    named = bool(bare) and bare.isascii() and bare.isprintable() and not set(bare) & set(" []/@")
    numbered = port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT
    if not named or not numbered or (":" in bare and bare == host):
        raise ValueError("should be the host and the port of a server, such as mail.example.com:587")
    return bare, int(port)


def _check_smarthost(text: str) -> str:
    split_smarthost(text)
    return text


Mailbox = Annotated[str, AfterValidator(_check_one)]
"""One address of mail, with a name before it or without."""

Mailboxes = Annotated[str, AfterValidator(_check_list)]
"""One or more addresses, separated by commas."""

Smarthost = Annotated[str, AfterValidator(_check_smarthost)]
"""Host and port of a mail server."""
