"""
A real mail server (aiosmtpd) on a free port of 127.0.0.1, with TLS and logins, that can be told to answer otherwise.

It takes mail only over TLS where it has a certificate. Where it has users they can log in, and with STARTTLS must.
"""

# ruff: noqa: N802 - the hooks of aiosmtpd have the names of commands

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self, cast

import trustme
from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.receivers import RESET, SILENCE

__all__ = ["HOST_NAME", "Mail", "MailServer", "certificate"]

HOST_NAME = "mail.example"
"""What the certificate of `certificate` is for, besides 127.0.0.1."""


def certificate(authority: trustme.CA) -> ssl.SSLContext:
    """Return the TLS of a server on 127.0.0.1 that `authority` vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", HOST_NAME).configure_cert(context)
    return context


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail as it was taken: its envelope, its bytes, and the message in them."""

    sender: str
    recipients: list[str]
    raw: bytes
    message: EmailMessage

    def part(self, kind: str) -> str:
        """Return the text of the part of the type ``text/KIND``."""
        part = self.message.get_body((kind,))
        assert isinstance(part, EmailMessage)
        text = part.get_content()
        assert isinstance(text, str)
        return text


class MailServer:
    """
    Takes mail into `mails`.

    `says` has for a command (EHLO, AUTH, MAIL, RCPT, DATA, QUIT) what is answered instead, whatever that means, or
    ``RESET`` or ``SILENCE``; what stands there for CONNECT is the greeting. `silent` is set when a silence begins.
    `pause` is how many seconds each answer takes.
    """

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        users: Mapping[str, str] | None = None,
        size_limit: int = 33_554_432,
        says: Mapping[str, str] | None = None,
        pause: float = 0.0,
    ) -> None:
        self.mails: list[Mail] = []
        self.says = dict(says or {})
        self.logins: list[str] = []
        self.hellos: list[str] = []
        self.farewells = 0
        self._context = context
        self._implicit_tls = implicit_tls
        self._users = users or {}
        self._size_limit = size_limit
        self._pause = pause

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.silent = asyncio.Event()
        self._protocols: list[_Protocol] = []
        self._stack = AsyncExitStack()
        server = await loop.create_server(
            self._protocol, "127.0.0.1", 0, ssl=self._context if self._implicit_tls else None
        )
        self._stack.callback(server.close)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for protocol in self._protocols:
            await protocol.end()
        await self._stack.aclose()

    def _protocol(self) -> _Protocol:
        upgrades = self._context is not None and not self._implicit_tls
        protocol = _Protocol(
            self,
            hostname="127.0.0.1",
            tls_context=self._context if upgrades else None,
            require_starttls=upgrades,
            auth_required=upgrades and bool(self._users),
            auth_require_tls=upgrades,
            authenticator=self._authenticate,
            data_size_limit=self._size_limit,
        )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        login, password = data.login.decode(), data.password.decode()
        self.logins.append(login)
        return AuthResult(success=self._users.get(login) == password, handled=False, auth_data=data)

    async def _said(self, command: str, server: SMTP) -> Any:
        """Do what `says` has for a command; without anything, let the server answer by itself."""
        await asyncio.sleep(self._pause)
        answer = self.says.get(command, MISSING)
        if answer == SILENCE:
            self.silent.set()
            await asyncio.Event().wait()
        if answer == RESET:
            cast("asyncio.Transport", server.transport).abort()
            await asyncio.Event().wait()
        return answer

    # The hooks of aiosmtpd

    async def handle_EHLO(
        self, server: SMTP, session: Session, _envelope: Envelope, name: str, responses: list[str]
    ) -> list[str]:
        """Take a greeting."""
        answer = await self._said("EHLO", server)
        self.hellos.append(name)
        session.host_name = name
        return responses if answer is MISSING else [answer]

    async def handle_AUTH(self, server: SMTP, _session: Session, _envelope: Envelope, _args: list[str]) -> Any:
        """Take a login."""
        return await self._said("AUTH", server)

    async def handle_MAIL(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> Any:
        """Take a sender."""
        answer = await self._said("MAIL", server)
        if answer is MISSING:
            envelope.mail_from = address
            return "250 OK"
        return answer

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> Any:
        """Take a recipient."""
        answer = await self._said("RCPT", server)
        if answer is MISSING:
            envelope.rcpt_tos.append(address)
            return "250 OK"
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> Any:
        """Take a mail."""
        answer = await self._said("DATA", server)
        if answer is not MISSING:
            return answer
        raw, sender = envelope.content, envelope.mail_from
        assert isinstance(raw, bytes)
        assert sender is not None
        message = message_from_bytes(raw, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        self.mails.append(Mail(sender=sender, recipients=envelope.rcpt_tos, raw=raw, message=message))
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> Any:
        """Take a farewell."""
        self.farewells += 1
        answer = await self._said("QUIT", server)
        return "221 Bye" if answer is MISSING else answer


class _Protocol(SMTP):
    """A connection, whose greeting can be another one."""

    async def push(self, status: Any) -> None:
        handler: MailServer = self.event_handler
        if isinstance(status, str) and status.startswith("220 127.0.0.1"):
            answer = await handler._said("CONNECT", self)
            status = status if answer is MISSING else answer
        await super().push(status)

    async def end(self) -> None:
        """Close the connection, and wait for what handles it."""
        task = self._handler_coroutine
        if self.transport is not None:
            self.transport.close()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
