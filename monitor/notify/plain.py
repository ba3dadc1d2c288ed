"""Messages as plain text, for channels without a layout of their own."""

from __future__ import annotations

from collections.abc import Callable

from monitor.messages.compose import more
from monitor.messages.cutting import Unit, cut
from monitor.messages.message import AlertText, Message
from monitor.model.alert import Transition

__all__ = ["block", "fit", "symbol"]

_SYMBOLS = {"critical": "🚨", "error": "❗", "warning": "⚠️", "info": "ℹ️"}  # noqa: RUF001 - shapes, not only colours
_GAP = "\n\n"


def symbol(alert: AlertText) -> str:
    """Return one character that says how an alert stands."""
    return "✅" if alert.status is Transition.RESOLVED else _SYMBOLS.get(alert.severity, "🔔")


def block(alert: AlertText) -> str:
    """Return all that is known about an alert, a line for each thing."""
    severity = f" ({alert.severity})" if alert.severity else ""
    rows = [f"{symbol(alert)} {alert.title}{severity}", alert.summary]
    rows += [f"{line.label}: {line.text}" for line in alert.lines]
    rows += [f"> {row}" for row in alert.excerpt.splitlines()]
    rows += [f"{link.text}: {link.url}" for link in alert.links]
    return "\n".join(filter(None, rows))


def fit(message: Message, limit: int, *, unit: Unit, render: Callable[[AlertText], str] = block) -> str:
    """
    Return as many alerts of `message` as `limit` holds, counted in `unit`, and how many are left out.

    At least one alert is shown, cut if it alone is too long; `render` writes one.
    """
    blocks: list[str] = []
    used = -unit(_GAP)
    for alert in message.alerts:
        blocks.append(render(alert))
        used += unit(blocks[-1] + _GAP)
        if used > limit:
            break
    else:
        return _GAP.join(blocks)
    count = len(message.alerts)
    if count == 1:
        return cut(blocks[0], limit, unit=unit)
    room = limit - unit(_GAP + more(count, message.language))
    while len(blocks) > 1 and unit(_GAP.join(blocks)) > room:
        blocks.pop()
    return _GAP.join([cut(_GAP.join(blocks), room, unit=unit), more(count - len(blocks), message.language)])
