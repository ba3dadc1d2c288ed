from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.messages.redaction import KINDS, redact

ALL = frozenset(KINDS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to jane.doe+x@mail.example.co.uk, please", "write to [email], please"),
        ("kim@corp.com으로 보내 주세요", "[email]으로 보내 주세요"),
        ("連絡先はtaro@example.jpです", "連絡先は[email]です"),
        ("메일: 홍길동@회사.한국", "메일: [email]"),
        ("ｋｉｍ＠ｃｏｒｐ．ｃｏｍ", "[email]"),  # noqa: RUF001 - full-width on purpose
        ("call 010-1234-5678 or 02-312-3456", "call [phone] or [phone]"),
        ("번호는01012345678입니다", "번호는[phone]입니다"),
        ("０９０－１２３４－５６７８", "[phone]"),  # noqa: RUF001 - full-width on purpose
        ("電話は03-1234-5678まで", "電話は[phone]まで"),
        ("(415) 555-0132", "[phone]"),
        ("+44 20 7946 0958 and +821012345678", "[phone] and [phone]"),
        ("010\u200b1234\u20605678", "[phone]"),
        ("٠١٠-١٢٣٤-٥٦٧٨", "[phone]"),  # noqa: RUF001 - digits of another script
        ("card 4111 1111 1111 1111 exp 12/29", "card [card] exp 12/29"),
        ("5555-5555-5555-4444", "[card]"),
        ("5555\N{EN DASH}5555\N{EN DASH}5555\N{EN DASH}4444", "[card]"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "[card]"),  # noqa: RUF001 - digits of another script
        ("01012345678@naver.example", "[email]"),  # a number within an address does not break it up
        ("378282246310005", "[card]"),
        ("item 12 4111 1111 1111 1111", "item 12 [card]"),  # a number before it hides nothing
        ("주민번호 900101-1234568 입니다", "주민번호 [national id] 입니다"),
        ("201130-3123456", "[national id]"),  # drawn by lot since October 2020, so no digit to check
        ("９００１０１－１２３４５６８", "[national id]"),  # noqa: RUF001 - full-width on purpose
        ("マイナンバー 1234 5678 9018", "マイナンバー [national id]"),
        ("番号12 1234-5678-9018", "番号12 [national id]"),
        ("SSN 123-45-6789", "SSN [national id]"),
    ],
)
def test_what_tells_who_somebody_is_is_taken_out(text: str, shown: str) -> None:
    """Addresses, numbers of phones and cards, and national ids go, in the ways people write them."""
    assert redact(text, ALL) == shown


@pytest.mark.parametrize(
    "text",
    [
        "order 20261123-0001234",
        "주문번호 202611230001",
        "ORD-1234567890",
        "1700000000",
        "1700000000000",
        "2026-11-23 14:03:22",
        "2026-11-23T14:03:22.123Z",
        "4111 1111 1111 1112",  # no card: its check digit is wrong
        "2026112300012340",  # its check digit is right, but no card begins so
        "901301-1234567",  # no day of birth
        "000-12-3456",  # never given out
        "192.168.100.200",
        "₩1,234,567,890",
        "gpt-4.1-2025-04-14, 31 min, 4000 tokens",
        "550e8400-e29b-41d4-a716-446655440000",
        "6046b5372dad0026e91c29d1",
        "1234 5678 9018 0000",  # sixteen digits, of which twelve would do
        "a@b, @someone, 3@4",
        "무슨 뜻인가요?",
    ],
)
def test_what_tells_of_nobody_stays(text: str) -> None:
    """Orders, times, amounts, versions, addresses of machines and ids are not mistaken for a person's numbers."""
    assert redact(text, ALL) == text


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("email", "[email] 010-1234-5678 4111111111111111 900101-1234568"),
        ("phone", "kim@corp.com [phone] 4111111111111111 900101-1234568"),
        ("card", "kim@corp.com 010-1234-5678 [card] 900101-1234568"),
        ("national_id", "kim@corp.com 010-1234-5678 4111111111111111 [national id]"),
    ],
)
def test_only_the_kinds_that_are_asked_for(kind: str, shown: str) -> None:
    """Each kind is taken out by itself."""
    text = "kim@corp.com 010-1234-5678 4111111111111111 900101-1234568"
    assert redact(text, frozenset({kind})) == shown


def test_nothing_is_asked_for() -> None:
    """Without a kind the text comes back, made visible."""
    assert redact("kim@corp.com\u202e 010-1234-5678", frozenset()) == "kim@corp.com 010-1234-5678"


def test_regions_say_whose_numbers_are_known() -> None:
    """A number without a country code is one only in a country that was named."""
    assert redact("020 7946 0958", ALL, ["GB"]) == "[phone]"
    assert redact("020 7946 0958", ALL, ["US"]) == "020 7946 0958"


def test_lines_stay() -> None:
    """What is found stands in one line, and lines stay apart."""
    assert redact("Q: 010-1234-5678?\n\nA: ok", ALL) == "Q: [phone]?\nA: ok"


@pytest.mark.parametrize("before", [*range(7_585, 7_602), *range(7_985, 8_002)])
@pytest.mark.parametrize("filler", ["가", "\u200b"])
def test_what_is_too_long_is_cut_behind_what_was_found(before: int, filler: str) -> None:
    """Where a long text is cut, and where it is no longer looked at, no number comes back in parts."""
    shown = redact(filler * (before - 1) + " 010-1234-5678 " + "나" * 10_000, ALL)
    assert len(shown) <= 7_610
    assert not any(character.isdigit() for character in shown)


@given(
    before=st.text("가a. -1\n", max_size=10),
    after=st.text("나a. \n", max_size=10),
    found=st.sampled_from(["kim@corp.com", "010-1234-5678", "4111-1111-1111-1111", "900101-1234568"]),
)
def test_surroundings_hide_nothing(before: str, after: str, found: str) -> None:
    """Whatever stands around it apart from a blank, what was written does not come back."""
    assert found not in redact(f"{before} {found} {after}", ALL)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "part", ["1", "1 ", "1-", "a@", "a.", "@", "+1-", "(", "가@가.", "4111 ", "010 1234 5678 ", "\u0301"]
)
def test_hostile_text_costs_little(part: str) -> None:
    """A megabyte of what proposes numbers without end is dealt with at once; the time-out is what fails."""
    redact(part * (1_000_000 // len(part)), ALL)
