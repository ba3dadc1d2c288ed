from __future__ import annotations

import dataclasses
import string
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest

from monitor.alerting.guard import Decision
from monitor.messages.catalogue import CATALOGUE
from monitor.messages.english import ENGLISH
from monitor.messages.words import Words
from monitor.model.alert import Resolution, Transition
from monitor.model.builtin import Builtin
from monitor.model.conversation import Vote
from monitor.model.rating import Rater
from monitor.model.stop import StopResult
from monitor.settings.alerting import Alerting

each_language = pytest.mark.parametrize("words", CATALOGUE.values(), ids=CATALOGUE.keys())


def texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of the words of a language with where it stands."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(item, f"{name}.{key}")
    else:
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name), f"{name}.{field.name}")


def placeholders(text: str) -> set[str | None]:
    """Return the names of what is put into a template."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@each_language
def test_every_value_has_words(words: Words) -> None:
    """What facts, resolutions, refusals and built-in alerts there are, each language words all of them."""
    assert set(words.states) == set(Transition)
    assert set(words.ratings) == set(Vote)
    assert set(words.raters) == set(Rater)
    assert set(words.resolutions) == set(Resolution)
    assert set(words.stops) == set(StopResult)
    assert set(words.why_refused) == set(Decision) - {Decision.STOP, Decision.SHADOW}
    assert set(words.builtins) == set(Builtin)


@each_language
def test_every_language_says_the_same(words: Words) -> None:
    """Each text is there in each language, takes the same values, and is not left in English."""
    english = dict(texts(ENGLISH))
    own = dict(texts(words))
    assert own.keys() == english.keys()
    assert all(own.values()) or own[".units.between"] == ""
    assert {name: placeholders(text) for name, text in own.items()} == {
        name: placeholders(text) for name, text in english.items()
    }
    if words is not ENGLISH:
        assert not {name for name, text in own.items() if text == english[name]} - {".units.between", ".between"}


def test_the_settings_know_the_languages() -> None:
    """What `alerting.language` may be is what messages are worded in."""
    annotation = Alerting.model_fields["language"].annotation
    assert set(get_args(annotation)) == set(CATALOGUE)
