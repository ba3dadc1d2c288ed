from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.messages.escaping import escape_html, escape_slack, many_lines, one_line

PARTS = ["\u202e", "\u2066", "\u200b", "\u200d", "\u200c", "\ufe0f", "\u2028", "\u3164", "\ud800", "\x1b[31m"]
SCRIPTS = ["👩", "💻", "🏽", "\u094d", "क", "م", "葛", "\U000e0100", "\u0301", "1", "가", "ᄀ"]
SIGNS = [*"ab1 .:/@#*_~`<>&|!\n", "http", "://", "com", ":smile:", "<!channel>"]
NASTY = st.lists(st.one_of(st.characters(), *map(st.sampled_from, (PARTS, SCRIPTS, SIGNS)))).map("".join)
MARKUP = st.lists(st.sampled_from(SIGNS)).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain  text ", "plain text"),
        ("two\r\nlines\u2028three\x0bfour", "two lines three four"),
        ("in\u202evoice\u202c \u2066x\u2069\u061c", "invoice x"),
        ("in\u200bvi\u2060sible\ufeff\u00ad\u3164\u115f\U000e0041\u180e", "invisible"),
        ("\x1b[31mred\x00\x9b", "[31mred"),
        ("\ud800 \ue000 \uffff", "\ufffd \ufffd \ufffd"),
        ("a\u3000b\u00a0c\u2800d", "a b c d"),
        (
            "👩\u200d💻 👨\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f\u20e3 👩🏽\u200d🔬",
            "👩\u200d💻 👨\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f\u20e3 👩🏽\u200d🔬",
        ),
        ("a\u200db 👩\u200da \u200d", "ab 👩a"),
        ("نمی\u200cشود क्\u200dष", "نمی\u200cشود क्\u200dष"),
        ("a\u200cb م\u200cb a\u200cم", "ab مb aم"),
        ("葛\U000e0100城 a\U000e0100\U000e0101", "葛\U000e0100城 a"),
        ("❤\ufe0f\ufe0f\ufe0f", "❤\ufe0f"),
        ("z" + "\u0301" * 100, "z" + "\u0301" * 8),
        ("서울 東京 עברית", "서울 東京 עברית"),
    ],
)
def test_only_what_shows_is_left(text: str, shown: str) -> None:
    """Controls, directions, and what has no width go; what scripts and emoji are made of stays."""
    assert one_line(text) == shown


def test_lines_of_an_excerpt_stay() -> None:
    """Where several lines may stand they do, without empty ones."""
    assert many_lines(" one\r\n\r\n \u200b\n  two \u2029three\n") == "one\ntwo\nthree"


@given(text=NASTY)
def test_one_line_is_one_line_and_stays_it(text: str) -> None:
    """No text yields a second line, a control or a change of direction, and doing it twice changes nothing."""
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert shown == shown.strip()
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Zl", "Zp"} for character in shown)
    assert {character for character in shown if unicodedata.category(character) == "Cf"} <= {"\u200c", "\u200d"}
    assert one_line(shown) == shown


@pytest.mark.timeout(10)
@pytest.mark.parametrize("part", ["\u0301", "\u200d", "👩\u200d", " \n", ":a", "_a.", "@", "<", "a\u202e"])
def test_hostile_text_takes_linear_time(part: str) -> None:
    """Much of what makes patterns go back and forth is dealt with at once; the time-out is what fails."""
    text = part * (300_000 // len(part))
    escape_slack(many_lines(text))
    escape_html(one_line(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel> <@U024BE7LH> <#C1|x>", "&lt;!channel&gt; &lt;＠U024BE7LH&gt; &lt;＃C1|x&gt;"),  # noqa: RUF001 - looks the same
        ("*bold* _it_ ~no~ `code`", "∗bold∗ ˍitˍ ∼no∼ ˋcodeˋ"),  # noqa: RUF001 - looks the same
        ("run_0193_ab 2*3", "run_0193_ab 2*3"),
        (":smile: 14:03:22 a:b", "∶smile: 14:03:22 a:b"),  # noqa: RUF001 - looks the same
        ("see http://evil.example/x", "see http∶//evil․example/x"),  # noqa: RUF001 - looks the same
        ("set auto_stop.mode to enforce", "set auto_stop.mode to enforce"),
        ("@here #general a#1", "＠here ＃general a#1"),  # noqa: RUF001 - looks the same
        ("> quoted\n >too", "＞ quoted\n ＞too"),  # noqa: RUF001 - looks the same
    ],
)
def test_slack_examples(text: str, shown: str) -> None:
    """What Slack would take for markup looks the same and is none; ids and keys of settings can be copied."""
    assert escape_slack(text) == shown


@given(text=MARKUP)
def test_slack_finds_no_markup(text: str) -> None:
    """No text holds a mention, a link, a name of an emoji, a quotation or formatting once it is escaped."""
    escaped = escape_slack(text)
    assert re.search(r"[<>`]|&(?!amp;|lt;|gt;)", escaped) is None
    assert re.search(r"(?<![a-zA-Z0-9])[*_~]|[*_~](?![a-zA-Z0-9])", escaped) is None
    assert re.search(r"://|:[a-z][^\s:]*:", escaped) is None
    assert re.search(r"(?:^|[^a-zA-Z0-9&])[@#]\S", escaped) is None
    assert re.search(r"(?m)^\s*&gt;", escaped) is None
    assert re.search(r"(?<!_)\b[a-z1]+\.[a-z]", re.sub(r"_[a-z1]*\.", "", escaped)) is None


@given(text=NASTY)
def test_html_holds_no_tag(text: str) -> None:
    """No text opens a tag, an entity or an attribute, and a browser shows exactly the text."""
    shown = one_line(text)
    parser = _Collector()
    parser.feed(f"<p>{escape_html(shown)}</p>")
    parser.close()
    assert parser.tags == ["p"]
    assert "".join(parser.texts) == shown
    assert not {'"', "'"} & set(escape_html(text))


class _Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - as its base has it
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
