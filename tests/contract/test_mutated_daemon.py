"""
Answers made bad on their way into the whole daemon: it lives, stops nothing, and takes nothing back.

`test_mutated_answers` proves that nothing but an error or a sound value leaves the client. Here it is seen what the
daemon makes of such values: one answer of each look, or of each stop, is bad, the others are honest. In a soak these
are 100,000 answers, and as many parts as there are looks: ``HYPOTHESIS_PROFILE=soak pytest -n 2`` shares them out.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from http import HTTPStatus
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from monitor.simulator.entities import Conversation
from monitor.simulator.record import StopEffect
from tests.contract.test_any_json import HostileRig, Scene
from tests.support.mutation import Answer, spoilt
from tests.support.soak import SOAK

_EXAMPLES = 1_000 if SOAK else 10
_CASES = {"runs": 30, "conversations": 25, "ratings_7200s": 25, "capabilities": 10, "daily_count": 5}
"""Bad answers in an example of each look; with the stops they are a hundred."""
_STOPS = 100 - sum(_CASES.values())
_MOST_REQUESTS = 3
_HOURS = 4 * 3600

soaked = pytest.mark.timeout(_HOURS if SOAK else 900)
many = settings(max_examples=_EXAMPLES, phases=[Phase.reuse, Phase.generate])  # a smaller seed is no simpler case


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Provide a run that is told about and far from overdue, and a negative rating that was told."""
    return Scene(tmp_path_factory.mktemp("watched"), (0, 10), run_limit="10m")


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Provide the same where a run is overdue after a minute."""
    return Scene(tmp_path_factory.mktemp("hasty"), (0, 10))


class _Spoiler:
    """
    Makes one answer bad, after `honest_left` good ones.

    `struck` is whether it came to that; `denied` are the rules about which what arrived could honestly say otherwise.
    """

    def __init__(self, chance: Random, conversation: Conversation, *, honest_left: int) -> None:
        self.struck = False
        self.denied: set[str] = set()
        self._chance = chance
        self._conversation = conversation
        self._honest_left = honest_left

    def __call__(self, honest: Answer) -> Answer:
        """Return what arrives for `honest`."""
        self._honest_left -= 1
        if self._honest_left != -1:
            return honest
        bad = spoilt(self._chance, honest)
        self.struck, self.denied = True, set(self._denied_by(bad))
        return bad

    def _denied_by(self, answer: Answer) -> Iterator[str]:
        if answer.status == HTTPStatus.NOT_FOUND or (b"not" in answer.body.lower() and b"found" in answer.body.lower()):
            yield "NegativeRating"  # its conversation is gone
        try:
            found = list(_objects(json.loads(answer.body)))
        except (ValueError, RecursionError):
            return
        rated, written = self._conversation.chats[-2:]
        if any(chat.get("id") == rated.id and chat.get("rating") is not False for chat in found):
            yield "NegativeRating"
        rows = found[0].get("conversations") if found else None
        listed = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None
        writing = [chat.get("id") for chat in found if chat.get("completed") is False]
        if (listed is not None and self._conversation.id not in listed) or writing not in ([], [written.id]):
            yield "RunSlow"  # nothing runs there, or something else does: its age begins again


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


class _Witness:
    """Sees to it that what was told of the watched project stays so, and that its run goes on."""

    def __init__(self, rig: HostileRig, conversation: Conversation) -> None:
        self._rig = rig
        self._conversation = conversation
        self._told: dict[str, str] = {}
        self._heard = 0

    async def begin(self) -> None:
        """Note what was told until now."""
        self._told = {alert.fingerprint: alert.identity.rule for alert in await self._open()}
        assert sorted(self._told.values()) == ["NegativeRating", "RunSlow"]
        self._heard = len(self._rig.inbox.told)

    def hear(self, denied: Collection[str] = ()) -> None:
        """Fail if since then anything was stopped, or told of what did not change, but for rules that were `denied`."""
        assert self._rig.stop_requests() == 0
        heard = [told.entry.fingerprint for told in self._rig.inbox.told[self._heard :]]
        self._heard += len(heard)
        assert {self._told[each] for each in heard if each in self._told} <= set(denied)

    async def look(self) -> None:
        """Fail unless the ledger and the alerts are as they were."""
        runs = [run for run in await self._rig.runs() if run.conversation_id == self._conversation.id]
        assert [run.ended_at for run in runs] == [None]
        assert self._told.keys() <= {alert.fingerprint for alert in await self._open()}

    async def _open(self) -> list[Any]:
        found = await self._rig.open_alerts("NegativeRating", "RunSlow")
        return [a for a in found if dict(a.identity.subject)["conversation_id"] == self._conversation.id]


def _let_ask(rig: HostileRig) -> None:
    """Let a look ask its questions although an answer refused them, or although they are asked daily."""
    rig.polls.reconnected()
    rig.polls._capabilities._due_at = rig.now
    rig.polls._daily_counts._refused_at = None


async def _let_see(rig: HostileRig) -> None:
    """Show the truth again, for as long as the run has to be seen before it is told of."""
    _let_ask(rig)
    await rig.do("ratings_7200s")
    await rig.do("runs")
    rig.clock.advance(6)
    await rig.do("runs")


def _first_bad(chance: Random, job: str) -> int:
    return chance.randrange(9) if job == "capabilities" else chance.choice((0, 0, 0, 0, 1))


@soaked
@pytest.mark.parametrize(("job", "cases"), _CASES.items(), ids=_CASES)
@many
@given(seed=st.integers(0, 2**64))
def test_one_bad_answer_in_each_look_does_no_harm(watched: Scene, job: str, cases: int, seed: int) -> None:
    """Whatever one answer holds, no run is stopped or ended, and no rating withdrawn unless the answer names it."""
    chance = Random(seed)  # noqa: S311 - chance in a test guards nothing
    watched.play(lambda rig, conversation: _look_often(rig, conversation, chance, job=job, cases=cases))


async def _look_often(rig: HostileRig, conversation: Conversation, chance: Random, *, job: str, cases: int) -> None:
    witness = _Witness(rig, conversation)
    await witness.begin()
    while cases:
        _let_ask(rig)
        rig.spoil = spoiler = _Spoiler(chance, conversation, honest_left=_first_bad(chance, job))
        rig.clock.advance(0.5)
        await rig.do(job)
        rig.spoil = None
        cases -= spoiler.struck
        if spoiler.denied:
            await _let_see(rig)
            await witness.look()
        witness.hear(spoiler.denied)
    await witness.look()


@soaked
@many
@given(seed=st.integers(0, 2**64))
def test_one_bad_answer_in_each_stop_stops_nothing_else(hasty: Scene, seed: int) -> None:
    """Whatever one answer around a stop holds, no other run is stopped, and this one asked for three times at most."""
    chance = Random(seed)  # noqa: S311 - chance in a test guards nothing

    async def story(rig: HostileRig, conversation: Conversation) -> None:
        rig.world.finish_run(conversation.id)
        cases = _STOPS
        while cases:
            spoiler = _Spoiler(chance, conversation, honest_left=chance.randrange(6))
            effects = await _stop_once(rig, spoiler)
            assert spoiler.struck or effects == [StopEffect.STOPPED]
            cases -= spoiler.struck

    hasty.play(story)


async def _stop_once(rig: HostileRig, spoiler: _Spoiler) -> list[StopEffect]:
    """Let a run become overdue beside a young one, with `spoiler` around its stop; return what the requests did."""
    overdue = rig.start_run()
    for seconds in (0, 30, 29):
        rig.clock.advance(seconds)
        await rig.do("runs")
    young = rig.start_run()
    before = rig.stop_requests()
    _let_ask(rig)
    rig.spoil = spoiler
    for seconds in (2, 10):
        rig.clock.advance(seconds)
        await rig.evaluate()
    rig.spoil = None
    rig.clock.advance(20)
    await rig.poll_runs()
    asked = rig.world.record().stops[before:]
    assert len(asked) <= _MOST_REQUESTS
    assert {stop.conversation_id for stop in asked} <= {overdue.id}
    for run in (overdue, young):
        rig.world.finish_run(run.id)
    await rig.do("runs")
    return [stop.effect for stop in asked]


@pytest.mark.parametrize("job", _CASES)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_hundred_megabytes_in_every_answer_do_no_harm(watched: Scene, job: str, encoding: str) -> None:
    """While each answer to a look is beyond all bounds, plain or unpacked from little, what is known stays known."""
    body = b'{"conversations": "' + b" " * 100_000_000
    packed = gzip.compress(body, compresslevel=1) if encoding == "gzip" else body

    async def story(rig: HostileRig, conversation: Conversation) -> None:
        witness = _Witness(rig, conversation)
        await witness.begin()
        _let_ask(rig)
        rig.spoil = lambda honest: replace(
            honest, headers=(*honest.headers, (b"content-encoding", encoding.encode())), body=packed
        )
        await rig.do(job)
        rig.spoil = None
        rig.clock.advance(5)
        await rig.look()
        witness.hear()
        await witness.look()

    watched.play(story)
