from __future__ import annotations

import pytest

from tests.support.messages import DIRECTORY, SITUATIONS, kept


@pytest.mark.parametrize("situation", SITUATIONS)
def test_messages_are_what_readers_agreed_to(situation: str) -> None:
    """Each situation is worded as its file says, in every language; see tests/support/messages.py to change them."""
    assert kept(situation) == (DIRECTORY / f"{situation}.txt").read_text(encoding="utf-8")


def test_every_file_is_of_a_situation() -> None:
    """No file of messages is left over from a situation that is gone."""
    assert {file.stem for file in DIRECTORY.iterdir()} == set(SITUATIONS)
