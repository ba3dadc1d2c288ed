"""
Mail: a text and an HTML part that say the same, threaded by group.

Each recipient is a destination of its own, since a server takes or refuses each on its own: what one of them did not
get is sent again to that one only. Sources: RFC 5322 (ids and threads), RFC 3834 (Auto-Submitted: nobody's machine
answers), Gmail's help (it clips an HTML part behind 102 kB).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import ClassVar

import jinja2

from monitor.clock import Clock
from monitor.messages.compose import Composer, more
from monitor.messages.cutting import cut
from monitor.messages.message import AlertText, Message
from monitor.model.alert import Transition
from monitor.model.notification import Notification
from monitor.notify.plain import block, symbol
from monitor.notify.smtp import Server

__all__ = ["MOST_ALERTS", "Email"]

MOST_ALERTS = 100
"""How many alerts one mail shows at most; the others are counted."""

_MOST_REFERENCES = 10  # alerts that a mail names as what it belongs to, so that the header stays short
_SUBJECT = 200  # characters; what shows of it on a phone is a quarter
_HTML = 90_000  # bytes
_COLOURS = {"critical": "#d93025", "error": "#d93025", "warning": "#e08600", "info": "#1a73e8"}
_OTHER_COLOUR = "#808080"
_RESOLVED_COLOUR = "#188038"

_POLICY = SMTP.clone(cte_type="7bit")  # text is encoded such that every server can take it

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """
    One recipient of one `email_configs` item.

    `to` is the header, and may name several; `recipient` is the one address that this integration sends to.
    """

    name: str
    receiver: str
    server: Server
    sender: Address
    to: tuple[Address, ...]
    recipient: str
    clock: Clock
    composer: Composer
    send_resolved: bool = True
    integration: ClassVar[str] = "email"
    keeps_state: ClassVar[bool] = False
    groups: ClassVar[bool] = True
    acknowledges: ClassVar[bool] = False
    pace: ClassVar[float] = 0.0

    async def send(self, notification: Notification) -> None:
        """
        Send `notification` as one mail; raises as `Receiver.send`.

        A second attempt has the same Message-ID, by which mail servers and clients can know it.
        """
        message = self.composer.compose(notification, now=self.clock.now())
        mail = self._mail(notification, message).as_bytes()
        await self.server.send(mail, sender=self.sender.addr_spec, recipient=self.recipient)

    def _mail(self, notification: Notification, message: Message) -> EmailMessage:
        text, html = parts(message)
        # no mail has these ids: they only hold the mails of a group, and those of an alert, together
        thread = self._id(f"group {notification.receiver} {notification.group_key}")
        alerts = [self._id(f"alert {alert.fingerprint}") for alert in message.alerts[:_MOST_REFERENCES]]
        mail = EmailMessage(_POLICY)
        mail["From"] = self.sender
        mail["To"] = self.to
        mail["Subject"] = cut(message.title, _SUBJECT)
        mail["Date"] = datetime.fromtimestamp(self.clock.now(), UTC)
        mail["Message-ID"] = self._id(f"notification {notification.key}")
        mail["In-Reply-To"] = thread
        mail["References"] = " ".join([*alerts, thread])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text)
        mail.add_alternative(html, subtype="html")
        return mail

    def _id(self, of: str) -> str:
        digest = hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()
        return f"<{digest[:32]}@{self.sender.domain}>"


def parts(message: Message) -> tuple[str, str]:
    """
    Return `message` as text and as HTML, both with the same alerts.

    At most `MOST_ALERTS` are shown, and of long ones fewer, so that no client clips the HTML; never none.
    """
    shown = min(len(message.alerts), MOST_ALERTS)
    while True:
        alerts = tuple(message.alerts[:shown])
        rest = more(len(message.alerts) - shown, message.language) if shown < len(message.alerts) else ""
        html = _TEMPLATES.get_template("mail.html").render(
            message=message, alerts=alerts, rest=rest, colour=_colour, symbol=symbol
        )
        size = len(html.encode())
        if size <= _HTML or shown <= 1:
            break
        shown = max(min(shown * _HTML // size, shown - 1), 1)
    text = "\n\n".join(filter(None, [message.title, *map(block, alerts), rest]))
    return f"{text}\n", html


def _colour(alert: AlertText) -> str:
    if alert.status is Transition.RESOLVED:
        return _RESOLVED_COLOUR
    return _COLOURS.get(alert.severity, _OTHER_COLOUR)
