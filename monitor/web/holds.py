"""What keeps alerts from being told, for whoever looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.alerting.muting import MuteKind
from monitor.alerting.silences import Silencer
from monitor.model.ack import Ack
from monitor.model.alert import Alert, AlertState
from monitor.store import Transaction

__all__ = ["Holds"]

_BY_THE_WAY = (MuteKind.INHIBITION, MuteKind.TIME_INTERVAL)
"""What depends on routes and on other alerts, so that it is known of what was looked at on its way to a receiver."""


class Holds:
    """
    What holds at one moment.

    `muted` says, by fingerprint, why alerts were not told or repeated when their groups were last looked at.
    """

    def __init__(self, *, silencer: Silencer, acks: Mapping[str, Ack], muted: Mapping[str, Sequence[str]]) -> None:
        self._silencer = silencer
        self._acks = acks
        self._muted = muted

    @classmethod
    async def read(cls, tx: Transaction, now: float) -> Holds:
        """Return what holds at `now`, own time."""
        silencer = Silencer(await tx.silences.active(now), now)
        return cls(silencer=silencer, acks=await tx.acks.active(), muted=await tx.groups.muted())

    def muted_by(self, alert: Alert) -> list[str]:
        """Return what mutes an open alert: ``silence ID``, ``inhibition FINGERPRINT``, ``time_interval NAME``."""
        if alert.state is AlertState.RESOLVED:
            return []
        silence = self._silencer.muted_by(alert.labels)
        silenced = [f"{MuteKind.SILENCE} {silence.id}"] if silence is not None else []
        muted = self._muted.get(alert.fingerprint, ())
        return silenced + [why for why in muted if why.startswith(_BY_THE_WAY)]

    def ack_of(self, alert: Alert) -> Ack | None:
        """Return the acknowledgement of this firing of an alert."""
        ack = self._acks.get(alert.fingerprint)
        holds = ack is not None and alert.state is AlertState.FIRING and alert.fired_at == ack.fired_at
        return ack if holds else None
