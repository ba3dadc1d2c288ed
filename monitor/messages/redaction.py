"""
Taking out of a conversation's text what tells who somebody is, before any of it is stored or sent.

What a number is, is decided by `phonenumbers` and `python-stdnum`, not by patterns of ours: those only propose. Where
a number may be an order's as well as a person's, it is taken out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence

import regex
from phonenumbers import PhoneNumberMatcher
from stdnum import luhn
from stdnum.exceptions import ValidationError
from stdnum.jp import in_ as my_number
from stdnum.kr import rrn
from stdnum.us import ssn

from monitor.messages.escaping import many_lines

__all__ = ["KINDS", "REGIONS", "redact"]

REGIONS = ("KR", "JP", "US")
"""The countries whose numbers are known without a country code, as ISO 3166-1 has them."""

_LONGEST = 8_000  # characters of a text that are looked at
_MARGIN = 400  # the last of those, left out of a longer text: what begins there may not have been recognised

_Span = tuple[int, int]

_EMAIL = regex.compile(
    r"""
    (?: [a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}+ | [\p{L}\p{N}._+-]{0,63}[^\x00-\x7f\s] ) @
    (?: (?:[a-z0-9-]{1,63}+\.)+ (?:xn--[a-z0-9-]{2,59}|[a-z]{2,63}) | (?:[\p{L}\p{N}-]{1,63}+\.)+ \p{L}{2,63} )
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
_CHAIN = regex.compile(r"(?<!\d)\d++(?:[ .-]\d++)*+")  # digits in groups
_GROUP = regex.compile(r"\d++")
_RESIDENT = regex.compile(r"(?<!\d)(\d{6})( ?- ?|)(\d{7})(?!\d)")
_MY_NUMBER = regex.compile(r"(?<!\d)(?<!\d{4}[ -])\d{4}([ -]?)\d{4}\1\d{4}(?!\d)(?![ -]\d{4}(?!\d))")
_SOCIAL = regex.compile(r"(?<![\d-])\d{3}([ -])\d{2}\1\d{4}(?![\d-])")

_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_CARD_BEGINS = regex.compile(r"[3-69]|2[2-7]")  # the industries and schemes that issue payment cards, ISO/IEC 7812


def redact(text: str, kinds: frozenset[str], regions: Sequence[str] = REGIONS) -> str:
    """
    Return `text`, with only what shows in it, and with `[phone]` and the like in place of what is of these `kinds`.

    Kinds are the keys of `KINDS`; `regions` are countries as in `REGIONS`. Digits and signs of any script and width
    are recognised. Of a text of more than 8,000 characters the first 7,600 come back, so that no text costs more.
    """
    left_out = _MARGIN if len(text) > _LONGEST else 0
    text = many_lines(text[:_LONGEST])
    length = max(len(text) - left_out, 0)
    plain = _plain(text)
    spans = [(span, _MARKERS[kind]) for kind in KINDS if kind in kinds for span in KINDS[kind](plain, regions)]
    parts, done = [], 0
    for (begin, end), marker in sorted(spans, key=_first_and_longest):
        if done <= begin < length:
            parts += [text[done:begin], marker]
        done = max(done, end)
    return "".join([*parts, text[done:length]])


def _first_and_longest(found: tuple[_Span, str]) -> _Span:
    (begin, end), _ = found
    return begin, -end


def _plain(text: str) -> str:
    """Return `text` in plain digits and signs, every character in its place."""
    return "".join(map(_plain_character, text)) if not text.isascii() else text


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Pd":
        return "-"
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 else character


def _emails(text: str, _: Sequence[str]) -> Iterator[_Span]:
    yield from (match.span() for match in _EMAIL.finditer(text))


def _phones(text: str, regions: Sequence[str]) -> Iterator[_Span]:
    for region in regions:
        yield from ((match.start, match.end) for match in PhoneNumberMatcher(text, region))


def _cards(text: str, _: Sequence[str]) -> Iterator[_Span]:
    """Yield where whole groups of digits, written in a row, make up the number of a card."""
    for chain in _CHAIN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *chain.span())]
        for first, (begin, _end) in enumerate(groups):
            digits = ""
            for start, end in groups[first:]:
                digits += text[start:end]
                if len(digits) > _LONGEST_CARD:
                    break
                if _is_card(digits):
                    yield begin, end


def _is_card(digits: str) -> bool:
    return len(digits) >= _SHORTEST_CARD and _CARD_BEGINS.match(digits) is not None and luhn.is_valid(digits)


def _national_ids(text: str, _: Sequence[str]) -> Iterator[_Span]:
    for match in _RESIDENT.finditer(text):
        # since October 2020 the last digits are drawn by lot: written with its dash, the date of birth says enough
        if _has_birth_date(match[1] + match[3]) if match[2] else rrn.is_valid(match[1] + match[3]):
            yield match.span()
    yield from (match.span() for match in _SOCIAL.finditer(text) if ssn.is_valid(match.group().replace(" ", "-")))
    yield from (match.span() for match in _MY_NUMBER.finditer(text) if my_number.is_valid(match.group()))


def _has_birth_date(digits: str) -> bool:
    try:
        rrn.get_birth_date(digits)
    except ValidationError:
        return False
    return True


KINDS: Mapping[str, Callable[[str, Sequence[str]], Iterator[_Span]]] = {
    "email": _emails,
    "card": _cards,
    "national_id": _national_ids,
    "phone": _phones,
}
"""What can be taken out, by the words of `privacy.redact`: where it stands in a text."""

_MARKERS = {kind: f"[{kind.replace('_', ' ')}]" for kind in KINDS}
