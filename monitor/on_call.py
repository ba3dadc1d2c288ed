"""
What people on call ask for: silences and acknowledgements.

Both only keep alerts from being told. What they change about that is told at once: every group is looked at again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

import structlog

from monitor.alerting.acks import BySubject, ends, worse
from monitor.alerting.matchers import Matcher, all_match
from monitor.alerting.silences import parse_narrow, with_nothing_left
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.errors import MonitorError
from monitor.model.ack import Ack, AckEnd
from monitor.model.alert import Alert, AlertState, Transition
from monitor.model.silence import Silence, SilenceState
from monitor.notify.alertmanager import Alertmanager
from monitor.notify.http import redact_url
from monitor.store import Store, Transaction

__all__ = ["CannotMute", "OnCall", "Problem", "tidy"]

log = structlog.get_logger()

_SETTLES = 5.0  # seconds for which a silence outlives the last of its alerts


class Problem(StrEnum):
    """Why something cannot be held back."""

    MALFORMED = "malformed"  # what was asked for makes no sense
    UNKNOWN = "unknown"  # what it is about does not exist
    CONFLICT = "conflict"  # ... is over, does not fire, or is for Alertmanager to hold back


class CannotMute(MonitorError):
    """What was asked for cannot be done."""

    def __init__(self, message: str, problem: Problem) -> None:
        super().__init__(message)
        self.problem = problem


class OnCall:
    """
    Writes down what people want.

    `offset` gives the server time of a project minus own time, and `wake` lets the outbox look at once.
    """

    def __init__(
        self,
        store: Store,
        announcer: Announcer,
        clock: Clock,
        *,
        offset: Callable[[str], float],
        wake: Callable[[], object],
    ) -> None:
        self._store = store
        self._announcer = announcer
        self._clock = clock
        self._offset = offset
        self._wake = wake

    def elsewhere(self) -> str | None:
        """Return where silences are made instead, when every receiver is an Alertmanager, which has its own."""
        receivers = self._announcer.integrations.values()
        alertmanagers = [each for each in receivers if isinstance(each, Alertmanager)]
        if not alertmanagers or len(alertmanagers) < len(receivers):
            return None
        urls = sorted({redact_url(each.endpoint.url.get_secret_value()) for each in alertmanagers})
        return (
            "alerts go to Alertmanager only, which has silences of its own and would not heed ours: "
            f"amtool --alertmanager.url={urls[0]} silence add ...; Alertmanager: {', '.join(urls)}"
        )

    async def silence(
        self, matchers: Sequence[str], *, author: str, comment: str, starts_at: float | None, until: float | None
    ) -> Silence:
        """
        Begin a silence now or at `starts_at`, until then, or without `until`, until nothing that it matches fires.

        Raises CannotMute, also when nothing fires whose end could be waited for, and StorageError.
        """
        self._check_that_it_is_ours()
        narrow = _parsed(matchers)
        now = self._clock.now()
        silence = Silence(
            id=secrets.token_hex(4),
            matchers=tuple(str(matcher) for matcher in narrow),
            author=author,
            comment=comment,
            created_at=now,
            starts_at=now if starts_at is None else starts_at,
            until=until,
        )
        async with self._store.transaction() as tx:
            if until is None and not _matching(await _firing(tx), narrow):
                raise CannotMute(
                    "nothing that this matches fires now: give the silence a time to end", Problem.CONFLICT
                )
            await tx.silences.put([silence])
            await tx.groups.look_again(at=now)
        self._wake()
        _log_silence("created", silence, who=author)
        return silence

    async def expire(self, silence_id: str, *, by: str) -> Silence:
        """End a silence now: what it held and still fires is told at once. Raises CannotMute and StorageError."""
        self._check_that_it_is_ours()
        now = self._clock.now()
        async with self._store.transaction() as tx:
            silence = await tx.silences.get(silence_id)
            if silence is None:
                raise CannotMute(f"there is no silence {silence_id!r}", Problem.UNKNOWN)
            if silence.state(now) is SilenceState.EXPIRED:
                raise CannotMute(f"silence {silence_id} is over already", Problem.CONFLICT)
            silence = replace(silence, ended_at=now, ended_by=by)
            await tx.silences.put([silence])
            await tx.groups.look_again(at=now)
        self._wake()
        _log_silence("expired", silence, who=by)
        return silence

    async def acknowledge(self, what: str | Sequence[str], *, by: str, comment: str, until: float) -> list[Ack]:
        """
        Acknowledge the alert with this fingerprint, or all that fire now and satisfy these matchers.

        What was acknowledged already is so anew. Raises CannotMute when there is none, and StorageError.
        """
        self._check_that_it_is_ours()
        now = self._clock.now()
        async with self._store.transaction() as tx:
            firing = await _firing(tx)
            by_subject = BySubject(firing.values())
            alerts = await _named(tx, what, firing) if isinstance(what, str) else _matching(firing, _parsed(what))
            if not alerts:
                raise CannotMute("nothing that this matches fires now", Problem.CONFLICT)
            acks = [
                _ack(alert, by_subject.about(alert), by=by, comment=comment, at=now, until=until) for alert in alerts
            ]
            await tx.acks.put(acks)
            for alert in alerts:
                offset = self._offset(alert.identity.project)
                await self._announcer.tell(tx, alert, Transition.ACKNOWLEDGED, at=now, offset=offset)
            await tx.groups.look_again(at=now)
        self._wake()
        for ack in acks:
            _log_ack("acknowledged", ack, who=by)
        return acks

    async def withdraw(self, fingerprint: str, *, by: str) -> Ack:
        """End the acknowledgement of an alert: it is told again at once. Raises CannotMute and StorageError."""
        self._check_that_it_is_ours()
        now = self._clock.now()
        async with self._store.transaction() as tx:
            ack = (await tx.acks.active()).get(fingerprint)
            if ack is None:
                raise CannotMute(f"alert {fingerprint!r} is not acknowledged", Problem.UNKNOWN)
            ack = replace(ack, end=AckEnd.WITHDRAWN, ended_at=now, ended_by=by)
            await tx.acks.put([ack])
            await tx.groups.look_again(at=now)
        self._wake()
        _log_ack("withdrawn", ack, who=by)
        return ack

    def _check_that_it_is_ours(self) -> None:
        if (elsewhere := self.elsewhere()) is not None:
            raise CannotMute(elsewhere, Problem.CONFLICT)


async def tidy(tx: Transaction, now: float) -> float | None:
    """
    End silences of which nothing fires any more, and acknowledgements that hold no more, at `now` in own time.

    What they held is due to be looked at. The silences end a little later, so that what began and ended under them is
    looked at while they hold: nobody is told of it. Return when the next acknowledgement times out, None while there is
    none.
    """
    silences = [silence for silence in await tx.silences.active(now) if silence.ends_at is None]
    acks = await tx.acks.active()
    if not silences and not acks:
        return None
    firing = await _firing(tx)
    over = with_nothing_left(silences, [alert.labels for alert in firing.values()], now)
    ended_silences = [replace(silence, ended_at=now + _SETTLES) for silence in over]
    ended_acks = {key: replace(acks[key], end=end, ended_at=now) for key, end in ends(acks, firing, now).items()}
    if ended_silences or ended_acks:
        await tx.silences.put(ended_silences)
        await tx.acks.put(ended_acks.values())
        await tx.groups.look_again(at=now)
    for silence in ended_silences:
        _log_silence("resolved", silence)
    for ack in ended_acks.values():
        _log_ack(ack.end or "", ack)
    return min((ack.until for key, ack in acks.items() if key not in ended_acks), default=None)


async def _firing(tx: Transaction) -> dict[str, Alert]:
    return {key: alert for key, alert in (await tx.alerts.open()).items() if alert.state is AlertState.FIRING}


async def _named(tx: Transaction, fingerprint: str, firing: Mapping[str, Alert]) -> list[Alert]:
    if fingerprint in firing:
        return [firing[fingerprint]]
    if await tx.alerts.get(fingerprint) is None:
        raise CannotMute(f"there is no alert {fingerprint!r}", Problem.UNKNOWN)
    raise CannotMute(f"alert {fingerprint} does not fire", Problem.CONFLICT)


def _parsed(matchers: Sequence[str]) -> tuple[Matcher, ...]:
    try:
        return parse_narrow(matchers)
    except ValueError as error:
        raise CannotMute(str(error), Problem.MALFORMED) from error


def _matching(firing: Mapping[str, Alert], matchers: Sequence[Matcher]) -> list[Alert]:
    return [alert for alert in firing.values() if all_match(matchers, alert.labels)]


def _ack(alert: Alert, others: Iterable[Alert], *, by: str, comment: str, at: float, until: float) -> Ack:
    known = {other.fingerprint: other.announced_at for other in worse(alert, others) if other.announced_at is not None}
    return Ack(
        fingerprint=alert.fingerprint,
        identity=alert.identity,
        by=by,
        comment=comment,
        at=at,
        until=until,
        fired_at=alert.fired_at if alert.fired_at is not None else alert.pending_since,
        known=known,
    )


def _log_silence(what: str, silence: Silence, *, who: str = "") -> None:
    log.info(
        "silence", what=what, id=silence.id, matchers=list(silence.matchers), until=silence.ends_at, who=who or None
    )


def _log_ack(what: str, ack: Ack, *, who: str = "") -> None:
    log.info(
        "ack",
        what=what,
        alertname=ack.identity.rule,
        project=ack.identity.project,
        fingerprint=ack.fingerprint,
        who=who or None,
        **dict(ack.identity.subject),
    )
