from __future__ import annotations

from monitor.model.conversation import LONGEST_TEXT
from monitor.settings import Settings
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")


def test_the_page_says_how_much_waits_in_memory() -> None:
    """The number of characters is the code's."""
    assert f"at most {LONGEST_TEXT} characters of a message" in PAGE


def test_the_page_is_right_that_excerpts_are_off() -> None:
    """Without a word in the configuration no receiver may quote anything, so no text is read."""
    settings = Settings.model_validate({"projects": {"p": {"api_key": "k"}}})
    assert settings.longest_excerpt == 0
    assert "This is off" in PAGE
