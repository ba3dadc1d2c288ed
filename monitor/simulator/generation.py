"""Background traffic: turns a generator into conversations as a file could have scripted them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from monitor.simulator.scenario import ChatSpec, ConversationSpec, GeneratorSpec, RatingSpec, RunSpec

__all__ = ["generate"]

_ANSWER_TIME = 1.0
"""Seconds from a question to its answer."""


def generate(generator: GeneratorSpec, seed: str) -> Iterator[ConversationSpec]:
    """Yield the conversations of `generator`, the same for the same `seed`."""
    chance = random.Random(seed)  # noqa: S311 - chance in a simulation guards nothing
    for number in range(1, generator.conversations + 1):
        yield _conversation(generator, number, chance)


def _conversation(generator: GeneratorSpec, number: int, chance: random.Random) -> ConversationSpec:
    begin = generator.at + chance.random() * generator.during
    chats: list[ChatSpec] = []
    ratings: list[RatingSpec] = []
    exchanges = chance.randint(1, generator.exchanges)
    for exchange in range(exchanges):
        asked = begin + exchange * (generator.pace + _ANSWER_TIME)
        answered = asked + _ANSWER_TIME
        chats.append(_chat(asked, "USER", chance.choice(generator.questions)))
        chats.append(_chat(answered, "BOT", chance.choice(generator.answers)))
        if chance.random() < generator.rated:
            ratings.append(_rating(generator, answered, len(chats), chance))
    end = begin + exchanges * (generator.pace + _ANSWER_TIME)
    runs = _runs(generator, end, chance)
    chats += [_chat(run.at, "USER", chance.choice(generator.questions)) for run in runs]
    # model_construct, because everything here was checked when the generator was
    return ConversationSpec.model_construct(
        at=begin,
        app=generator.app,
        user=chance.choice(generator.users) if generator.users else None,
        title=f"Conversation {number}",
        chats=tuple(chats),
        ratings=tuple(ratings),
        runs=tuple(runs),
    )


def _chat(at: float, sender: str, message: str) -> ChatSpec:
    return ChatSpec.model_construct(at=at, sender=sender, message=message)


def _rating(generator: GeneratorSpec, answered: float, chat: int, chance: random.Random) -> RatingSpec:
    at = answered + chance.random() * generator.rated_within
    vote = "negative" if chance.random() < generator.negative else "positive"
    return RatingSpec.model_construct(at=at, chat=chat, vote=vote)


def _runs(generator: GeneratorSpec, at: float, chance: random.Random) -> list[RunSpec]:
    drawn = chance.random()
    for run in generator.runs:
        if drawn < run.share:
            duration = None if run.duration is None else run.duration * chance.uniform(0.5, 1)
            fields = dict(run) | {"at": at, "duration": duration}
            del fields["share"]
            return [RunSpec.model_construct(**fields)]
        drawn -= run.share
    return []
