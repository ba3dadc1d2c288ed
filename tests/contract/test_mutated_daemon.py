"""
Answers made bad on their way into the whole daemon: it lives, stops nothing, and takes nothing back.

`test_mutated_answers` proves for many more that nothing but an error or a sound value leaves the client. Here it is
seen what the daemon makes of such values: one answer of each look is bad, the others are honest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.simulator.entities import Conversation
from tests.contract.test_any_json import HostileRig, Scene
from tests.support.mutation import mutated

_CASES = 2_000
_CASES_AN_EXAMPLE = 50


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Provide a run that is told about and far from overdue, and a negative rating that was told."""
    return Scene(tmp_path_factory.mktemp("watched"), (0, 10))


@pytest.mark.timeout(900)
@settings(max_examples=_CASES // _CASES_AN_EXAMPLE)
@given(seed=st.integers(0, 2**64))
def test_one_bad_answer_in_each_look_does_no_harm(watched: Scene, seed: int) -> None:
    """Whatever one answer holds, no run is stopped or ended, and no rating withdrawn unless the answer names it."""
    chance = Random(seed)  # noqa: S311 - chance in a test guards nothing

    async def story(rig: HostileRig, conversation: Conversation) -> None:
        spoiler = _Spoiler(chance, conversation)
        looks = (rig.poll_runs, rig.poll_ratings, rig.sweep)
        [rated] = [alert.fingerprint for alert in await rig.open_alerts("NegativeRating")]
        for _ in range(_CASES_AN_EXAMPLE):
            spoiler.begin()
            rig.spoil = spoiler.spoil
            rig.clock.advance(0.5)
            await chance.choice(looks)()
            rig.spoil = None
            if spoiler.names_the_rating:
                await rig.sweep()  # the truth again
            assert rig.stop_requests() == 0
            assert [run.ended_at for run in await rig.runs() if run.conversation_id == conversation.id] == [None]
            assert rated in [alert.fingerprint for alert in await rig.open_alerts("NegativeRating")]

    watched.play(story)


class _Spoiler:
    """Makes one answer of each look bad; `names_the_rating` is whether it says something else of the rated chat."""

    def __init__(self, chance: Random, conversation: Conversation) -> None:
        self.names_the_rating = False
        self._chance = chance
        self._conversation = conversation
        self._honest_left = 0

    def begin(self) -> None:
        """Begin a look: one of its first answers will be bad."""
        self.names_the_rating = False
        self._honest_left = self._chance.choice((0, 0, 1, 2))

    def spoil(self, _operation: str, honest: bytes) -> bytes:
        """Return the answer that arrives."""
        self._honest_left -= 1
        if self._honest_left != -1:
            return honest
        bad = mutated(self._chance, honest)
        self.names_the_rating = self._names_the_rating(bad)
        return bad

    def _names_the_rating(self, text: bytes) -> bool:
        """Whether the answer could honestly mean that the negative rating is one no more, or its conversation gone."""
        if b"not" in text.lower() and b"found" in text.lower():
            return True
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return False
        rated = next(chat.id for chat in self._conversation.chats if chat.rating is False)
        return any(chat.get("id") == rated and chat.get("rating") is not False for chat in _objects(value))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
