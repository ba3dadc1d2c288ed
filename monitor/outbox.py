"""
The courier: claims what is due, hands it over, records the outcome.

    transitions ──dispatcher──▶ intents ──claim──▶ handler ──record──▶ done, later, or set aside

A crash between two of these repeats a step: what was accepted but not recorded is sent once more, with the same key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from monitor.clock import Clock
from monitor.dispatch import Dispatcher
from monitor.handling import Divide, Done, Handled, Handler, Later
from monitor.model.intent import Intent, IntentKind, IntentState
from monitor.store import Store
from monitor.store.database import StorageError

__all__ = ["Courier"]

log = structlog.get_logger()

_MOST_AT_ONCE = 16
_LEASE = 300.0  # seconds after which another replica may take over what we hold
_IDLE = 15.0  # seconds after which the courier looks even if nobody woke it
_AFTER_A_FAULT = 60.0
_STORAGE_RETRY = 5.0


class Courier:
    """
    Empties the outbox.

    `handlers` are by kind of intent; `resting` says which destinations get no notification yet, and until when, own
    time; `name` is whose claims these are; setting `awake` makes it look for work at once.
    `beat_at` is when the loop last went round, in seconds of the clock's monotonic time.
    """

    def __init__(
        self,
        *,
        store: Store,
        dispatcher: Dispatcher,
        handlers: Mapping[IntentKind, Handler],
        resting: Callable[[], Mapping[str, float]],
        clock: Clock,
        name: str,
        awake: asyncio.Event,
    ) -> None:
        self.beat_at = clock.monotonic()
        self._store = store
        self._dispatcher = dispatcher
        self._handlers = handlers
        self._resting = resting
        self._clock = clock
        self._name = name
        self._awake = awake
        self._closing = False
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._busy: set[str] = set()  # destinations that a notification is under way to

    def close(self) -> None:
        """Take nothing new, and let `run` end once what is in flight has ended."""
        self._closing = True
        self._awake.set()

    async def run(self) -> None:
        """Work until `close` is called and what is in flight has ended."""
        while not self._closing:
            self._awake.clear()
            self.beat_at = self._clock.monotonic()
            try:
                wait = await self.work()
            except StorageError as error:
                log.error("outbox is stuck", error=str(error))  # noqa: TRY400 - the message says it all
                wait = _STORAGE_RETRY
            await self._sleep(wait)
        if self._under_way:
            await asyncio.wait(self._under_way.values())

    async def abort(self) -> None:
        """Cut off what is in flight: the next start repeats it."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def release(self) -> None:
        """Give back what a daemon that died on this database was holding. Raises StorageError."""
        async with self._store.transaction() as tx:
            await tx.outbox.release_all()

    async def work(self) -> float:
        """
        Plan and hand over all that is due, without waiting for it; return the seconds until the next is due.

        Raises StorageError.
        """
        next_flush = await self._dispatcher.plan(self._clock.now())
        await self._hand_over()
        resting = self._resting()
        async with self._store.snapshot() as tx:
            next_intent = await tx.outbox.next_due_at(busy=self._busy | resting.keys())
        now = self._clock.now()
        nexts = [at for at in (next_flush, next_intent, *resting.values()) if at is not None]
        return min([_IDLE, *(max(at - now, 0.0) for at in nexts)])

    async def settle(self) -> float:
        """
        Work until nothing is due now and nothing is in flight; return the seconds until the next is due.

        Raises StorageError.
        """
        while True:
            self._awake.clear()
            wait = await self.work()
            if self._under_way:
                await asyncio.wait(self._under_way.values())
            elif wait > 0.0 and not self._awake.is_set():  # nothing ended, and left new work, while we looked
                return wait

    async def _hand_over(self) -> None:
        """
        Claim and begin what is due, stops first.

        A destination gets one notification at a time, and the next only once the outcome of the last is on disk: so one
        that hangs keeps nothing else waiting, and a crash finds one delivery at most that was accepted, not recorded.
        """
        room = _MOST_AT_ONCE - len(self._under_way)
        if room <= 0:
            return
        now = self._clock.now()
        async with self._store.snapshot() as tx:
            ready = await tx.outbox.ready(now=now, limit=room, busy=self._busy | self._resting().keys())
        for intent in ready:
            await self._begin(intent, now)

    async def _begin(self, intent: Intent, now: float) -> None:
        """Claim an intent and carry it out beside everything else."""
        async with self._store.transaction() as tx:
            claimed = await tx.outbox.claim(intent.id, by=self._name, until=now + _LEASE, now=now)
        if not claimed:
            return
        if intent.kind is IntentKind.NOTIFY:
            self._busy.add(intent.destination)
        task = asyncio.create_task(self._carry_out(intent), name=f"intent {intent.id}")
        self._under_way[intent.id] = task
        task.add_done_callback(lambda _: self._landed(intent))

    def _landed(self, intent: Intent) -> None:
        del self._under_way[intent.id]
        if intent.kind is IntentKind.NOTIFY:
            self._busy.discard(intent.destination)
        self._awake.set()

    async def _carry_out(self, intent: Intent) -> None:
        try:
            handled = await self._handlers[intent.kind].handle(intent)
        except StorageError as error:
            log.error("intent interrupted", id=intent.id, kind=intent.kind.value, error=str(error))  # noqa: TRY400 - the message says it all
            handled = Later(self._clock.now() + _STORAGE_RETRY, str(error))
        except Exception:  # whatever a handler missed must neither end the daemon nor lose the intent
            log.exception("intent failed", id=intent.id, kind=intent.kind.value)
            handled = Later(self._clock.now() + _AFTER_A_FAULT, "an unexpected error; see the log")
        while not await self._recorded(intent, handled) and not self._closing:
            await self._clock.sleep(_STORAGE_RETRY)

    async def _recorded(self, intent: Intent, handled: Handled) -> bool:
        """Write down what came of an intent. If that cannot be, the next start repeats it."""
        now = self._clock.now()
        try:
            async with self._store.transaction() as tx:
                if isinstance(handled, Later):
                    await tx.outbox.postpone(intent.id, until=handled.at, error=handled.error)
                elif isinstance(handled, Divide):
                    payloads, carried = [p.payload for p in handled.parts], [p.carries for p in handled.parts]
                    await tx.outbox.divide(intent, payloads, carried, at=now)
                elif isinstance(handled, Done):
                    await tx.outbox.finish(intent.id, IntentState.DONE, at=now)
                else:
                    await tx.outbox.finish(intent.id, IntentState.FAILED, at=now, error=handled.error)
                if handled.note is not None:
                    await handled.note(tx)
        except StorageError as error:
            log.error("intent not recorded", id=intent.id, error=str(error))  # noqa: TRY400 - the message says it all
            return False
        return True

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(self._clock.real_seconds(max(seconds, 0.001))):
                await self._awake.wait()
        except TimeoutError:
            return
