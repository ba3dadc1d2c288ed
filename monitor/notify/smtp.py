"""
One mail to a server, and what its answers mean.

Sources: RFC 5321 (replies: 4yz may be tried again, 5yz not; 4.5.3.1.10 for 552), RFC 8314 (TLS from the start on port
465). What a server says may repeat addresses or credentials: errors name its host, its code and the step, and are
raised outside of the handlers of the library's errors.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiosmtplib
from pydantic import SecretStr

from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.network import reason

__all__ = ["Login", "Server", "tls_context"]

_FAREWELL = 1.0  # seconds for the answer to QUIT: the mail is accepted already
_TOO_LARGE = 552  # for a recipient it means a full mailbox, for the rest a mail that is too long
_REFUSALS: dict[type[aiosmtplib.SMTPResponseException], tuple[str, str, Literal["receiver", "payload"]]] = {
    aiosmtplib.SMTPAuthenticationError: ("the login", "login_refused", "receiver"),
    aiosmtplib.SMTPSenderRefused: ("the sender", "sender_refused", "receiver"),
    aiosmtplib.SMTPRecipientRefused: ("the recipient", "recipient_refused", "receiver"),
    aiosmtplib.SMTPDataError: ("the mail", "mail_refused", "payload"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How the monitor proves itself to a mail server."""

    username: str
    password: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """
    A server that takes mail, and `timeout`, the seconds until it has to have taken one.

    With ``start`` for `tls` the connection begins with TLS, with ``upgrade`` it becomes TLS by STARTTLS or nothing is
    sent, with ``never`` all is sent in clear. `hello` is how the monitor introduces itself.
    """

    host: str
    port: int
    tls: Literal["start", "upgrade", "never"]
    context: ssl.SSLContext
    timeout: float
    hello: str = "localhost"
    login: Login | None = None

    async def send(self, mail: bytes, *, sender: str, recipient: str) -> None:
        """
        Hand `mail` over for one recipient.

        Raises DeliveryDelayed when there is no answer or one of 4yz, and DeliveryRefused for one of 5yz, with the
        scope "payload" when it was the mail that was refused, and for a server without STARTTLS or a way to log in.
        """
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            local_hostname=self.hello,
            timeout=self.timeout,
            use_tls=self.tls == "start",
            start_tls=False,  # below, where it can be told what failed
            tls_context=self.context,
        )
        failure: DeliveryDelayed | DeliveryRefused
        try:
            async with asyncio.timeout(self.timeout):
                await self._prepare(client)
                await client.sendmail(sender, [recipient], mail)
        except TimeoutError:
            failure = DeliveryDelayed(f"{self} did not take a mail within {self.timeout:g} s")
        except aiosmtplib.SMTPRecipientsRefused as error:
            failure = self._judged(error.recipients[0])
        except aiosmtplib.SMTPResponseException as error:
            failure = self._judged(error)
        except (aiosmtplib.SMTPException, OSError) as error:  # what ssl raises is an OSError
            failure = DeliveryDelayed(f"{self} could not be asked: {reason(error)}")
        else:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_FAREWELL)
            return
        finally:
            client.close()
        raise failure

    async def _prepare(self, client: aiosmtplib.SMTP) -> None:
        """Connect, and go as far as a mail can be sent."""
        await client.connect()
        await client.ehlo()
        if self.tls == "upgrade":
            if not client.supports_extension("starttls"):
                raise DeliveryRefused(f"{self} offers no STARTTLS, and require_tls is true", reason="no_tls")
            await client.starttls()
            await client.ehlo()
        if self.login is not None:
            if not client.supported_auth_methods:
                raise DeliveryRefused(f"{self} offers no way to log in that is known here", reason="no_login")
            # the library writes text as ASCII only
            await client.login(self.login.username.encode(), self.login.password.get_secret_value().encode())

    def _judged(self, error: aiosmtplib.SMTPResponseException) -> DeliveryDelayed | DeliveryRefused:
        what, reason, scope = _REFUSALS.get(type(error), ("the connection", "server_refused", "receiver"))
        message = f"{self} answered {error.code} to {what}"
        is_full = isinstance(error, aiosmtplib.SMTPRecipientRefused) and error.code == _TOO_LARGE
        if not 500 <= error.code < 600 or is_full:  # noqa: PLR2004 - the class of codes that mean never
            return DeliveryDelayed(message)
        return DeliveryRefused(message, reason=reason, scope="payload" if error.code == _TOO_LARGE else scope)

    def __str__(self) -> str:
        return f"smtp://{self.host}:{self.port}"


class _NamedContext(ssl.SSLContext):
    """Asks for `server_name`, if there is one, by whatever name the server is reached."""

    server_name: str | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the signature of the base class
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(incoming, outgoing, server_side, self.server_name or server_hostname, session)


def tls_context(*, ca_file: Path | None = None, server_name: str | None = None, verify: bool = True) -> ssl.SSLContext:
    """
    Return how a mail server is verified: by the authorities in `ca_file` or by the system's.

    Raises OSError, of which ssl's are a kind, for a file that cannot be used.
    """
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = server_name
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
