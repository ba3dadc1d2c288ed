"""The languages that messages come in."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.messages.english import ENGLISH
from monitor.messages.japanese import JAPANESE
from monitor.messages.korean import KOREAN
from monitor.messages.words import Words

__all__ = ["CATALOGUE"]

CATALOGUE: Mapping[str, Words] = {words.language: words for words in (ENGLISH, KOREAN, JAPANESE)}
"""The words of each language, by its ISO 639-1 code."""
