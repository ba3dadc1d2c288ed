from __future__ import annotations

from itertools import takewhile

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from monitor.messages.cutting import CHARACTERS, ELLIPSIS, UTF8, UTF16, Unit, cut

UNITS = (CHARACTERS, UTF16, UTF8)
FAMILY = "👨\u200d👩\u200d👧\u200d👦"
PARTS = [*"ab \n", "\r\n", "\u0301", "\u200d", "\ufe0f", "👩", "🏽", "🇰", "🇷", "각", "ᄀ", "ᅡ", "ᆨ", "\ud83d", FAMILY]
NASTY = st.lists(st.one_of(st.characters(), st.sampled_from(PARTS)), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("text", "limit", "unit", "shown"),
    [
        ("short", 5, CHARACTERS, "short"),
        ("too long", 7, CHARACTERS, "too lo…"),
        ("a word and more", 8, CHARACTERS, "a word…"),  # no blank before the ellipsis
        ("안녕하세요", 9, UTF8, "안녕…"),
        ("안녕하세요", 8, UTF8, "안…"),
        ("お知らせです", 4, UTF16, "お知ら…"),
        (FAMILY + "!", 7, CHARACTERS, "…"),
        (FAMILY + FAMILY, 8, CHARACTERS, FAMILY + ELLIPSIS),
        ("😀😀😀", 5, UTF16, "😀😀…"),
        ("e\u0301e\u0301e\u0301", 4, CHARACTERS, "e\u0301…"),
        ("🇰🇷🇯🇵🇺🇸", 4, CHARACTERS, "🇰🇷…"),
        ("text", 0, CHARACTERS, ""),
        ("text", 2, UTF8, ""),
        ("", 0, UTF8, ""),
    ],
)
def test_examples(text: str, limit: int, unit: Unit, shown: str) -> None:
    """A text is cut in the vendor's unit, between what people take for characters."""
    assert cut(text, limit, unit=unit) == shown


@given(text=NASTY, limit=st.integers(0, 50), unit=st.sampled_from(UNITS))
def test_never_longer_and_never_torn(text: str, limit: int, unit: Unit) -> None:
    """What comes back is within the limit, and is the text, or an ellipsis after whole clusters of it."""
    shown = cut(text, limit, unit=unit)
    assert unit(shown) <= limit
    if shown not in {"", text}:
        clusters = regex.findall(r"\X", text)
        kept = shown.removesuffix(ELLIPSIS)
        assert shown == kept + ELLIPSIS
        assert kept in {"".join(clusters[:count]) for count in range(len(clusters) + 1)}


@given(text=NASTY, limit=st.integers(3, 50), unit=st.sampled_from(UNITS))
def test_nothing_is_cut_without_need(text: str, limit: int, unit: Unit) -> None:
    """As much is shown as fits: the next cluster would have been too long, blanks aside."""
    shown = cut(text, limit, unit=unit)
    if shown != text:
        rest = text[len(shown.removesuffix(ELLIPSIS)) :]
        clusters = regex.findall(r"\X", rest)
        blanks = list(takewhile(str.isspace, clusters))
        longer = shown + "".join(clusters[: len(blanks) + 1])
        assert unit(longer) > limit or rest.isspace()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("text", ["a" + "\u0301" * 1_000_000, "👩\u200d" * 500_000, " " * 1_000_000, "가" * 1_000_000])
def test_a_megabyte_takes_no_time(text: str) -> None:
    """Hostile text is cut in linear time, wherever the limit is; the time-out is what fails."""
    for limit in (10, 3000, len(text) - 1):
        assert len(cut(text, limit)) <= limit
