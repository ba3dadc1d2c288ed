from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.matchers import Matcher, Operator, all_match, format_matchers, parse_matcher, parse_matchers

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
EQUALITY = st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL])


def matcher(name: str, operator: str, value: str) -> Matcher:
    """Return a matcher of its three parts."""
    return Matcher(name=name, operator=Operator(operator), value=value)


@pytest.mark.parametrize(
    ("text", "name", "operator", "value"),
    [
        ('severity="info"', "severity", "=", "info"),
        ("severity=info", "severity", "=", "info"),
        ("  severity  !=  info  ", "severity", "!=", "info"),
        ('app =~ "Report.*"', "app", "=~", "Report.*"),
        ("app!~Report|Billing", "app", "!~", "Report|Billing"),
        ("app=My App", "app", "=", "My App"),
        ("app=", "app", "=", ""),
        ('app=""', "app", "=", ""),
        ('app="a, {b} = c"', "app", "=", "a, {b} = c"),
        (r'app="say \"hi\""', "app", "=", 'say "hi"'),
        (r'app="a\\b\nc"', "app", "=", "a\\b\nc"),
        (r'app=~"a\.b\d"', "app", "=~", r"a\.b\d"),
        (r"app=~a\.b", "app", "=~", r"a\.b"),
        (r"app=say\"", "app", "=", 'say"'),
        ("app=a\\", "app", "=", "a\\"),
        ('app="고객지원"', "app", "=", "고객지원"),
        ("app=サポート", "app", "=", "サポート"),
        ('app="two\nlines"', "app", "=", "two\nlines"),
        ("job:rate=1", "job:rate", "=", "1"),
        ("severity==info", "severity", "=", "=info"),
        ("severity='info'", "severity", "=", "'info'"),
        ('{severity="a"}', "severity", "=", "a"),
        ("{severity=a", "severity", "=", "a"),
        ('severity="a",', "severity", "=", "a"),
        ('app=~"a{2}"', "app", "=~", "a{2}"),
        ("app=~a{2}", "app", "=~", "a{2"),  # its brace counts as that of the whole, in Alertmanager, too
    ],
)
def test_reads_the_classic_form(text: str, name: str, operator: str, value: str) -> None:
    """Names, operators and values, quoted or bare, are read as Alertmanager's classic parser reads them."""
    assert parse_matcher(text) == matcher(name, operator, value)


@pytest.mark.parametrize(
    ("text", "name", "operator", "value"),
    [
        ('"severity"="info"', "severity", "=", "info"),
        ('"label.name"!="a b"', "label.name", "!=", "a b"),
        ("label.name=x", "label.name", "=", "x"),
        ("앱 =~ 보고서", "앱", "=~", "보고서"),
        (r'{"a\"b"="tab\there"}', 'a"b', "=", "tab\there"),
        (r'"a.b"="\u00e9\U0001f600"', "a.b", "=", "é😀"),
        ('"a.b"="c", ', "a.b", "=", "c"),
    ],
)
def test_reads_names_in_utf_8(text: str, name: str, operator: str, value: str) -> None:
    """What the classic parser refuses is read as newer versions read it: other names, quoted or not, Go's escapes."""
    assert parse_matcher(text) == matcher(name, operator, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("{}", ()),
        ('{a="b",c=~"d"}', (matcher("a", "=", "b"), matcher("c", "=~", "d"))),
        ("a=b , c!=d,", (matcher("a", "=", "b"), matcher("c", "!=", "d"))),
        ('a="b,c",d!~e', (matcher("a", "=", "b,c"), matcher("d", "!~", "e"))),
        (r'a="b\",c",d=e', (matcher("a", "=", 'b",c'), matcher("d", "=", "e"))),
        (r'a=~"\d\",",d=e', (matcher("a", "=~", r'\d",'), matcher("d", "=", "e"))),
        ('{"a.b"="c",d="e"}', (matcher("a.b", "=", "c"), matcher("d", "=", "e"))),
    ],
)
def test_reads_several_in_one_text(text: str, expected: tuple[Matcher, ...]) -> None:
    """One text holds any number of matchers, between commas that are not quoted, in braces or without."""
    assert parse_matchers(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "severity",
        "=info",
        '""="info"',
        "sever-ity",
        'severity="info',
        'severity=info"',
        r'severity="info\"',
        'severity="a" b',
        "a=b,,c=d",
        ",a=b",
        '"a.b"="c" d',
        '{"a.b"="c"',
        r'"a.b"="\q"',
        r'"a.b"="\ud800"',
        '"a.b"=',
    ],
)
def test_refuses_what_is_no_matcher(text: str) -> None:
    """What is no matcher in either form is refused, with the text and what is expected in its place."""
    with pytest.raises(ValueError, match="value") as caught:
        parse_matchers(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["", "a=b,c=d"])
def test_refuses_none_and_several_where_one_is_wanted(text: str) -> None:
    """Where one matcher is wanted, a text of none or of two is refused."""
    with pytest.raises(ValueError, match="not one matcher"):
        parse_matcher(text)


def test_quotes_no_more_than_a_line_of_what_it_refuses() -> None:
    """An error about a text of any length stays short."""
    with pytest.raises(ValueError, match="is not a matcher") as caught:
        parse_matchers("a" * 100_000)
    assert len(str(caught.value)) < 300


def test_says_what_is_wrong_with_a_regex(capfd: pytest.CaptureFixture[str]) -> None:
    """A bad regular expression is refused with RE2's reason, which is not printed besides."""
    with pytest.raises(ValueError, match=r"'\(a' is not a regular expression.*missing \)"):
        parse_matcher('app=~"(a"')
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("app=a", {"app": "a"}, True),
        ("app=a", {"app": "b"}, False),
        ("app=a", {}, False),
        ("app=", {}, True),
        ("app!=a", {}, True),
        ("app!=a", {"app": "a"}, False),
        ("app=~a|ab", {"app": "ab"}, True),
        ("app=~a|ab", {"app": "xab"}, False),
        ("app=~a|ab", {"app": "abx"}, False),
        ("app=~a", {"app": "a\n"}, False),
        ("app=~.*", {}, True),
        ("app=~.+", {}, False),
        ("app!~.+", {}, True),
        ("app!~a.", {"app": "ab"}, False),
        ("app=~.", {"app": "한"}, True),
        ('app=~"(?i)REPORT.*"', {"app": "report-1"}, True),
    ],
)
def test_matches(text: str, labels: dict[str, str], expected: bool) -> None:  # noqa: FBT001 - a table of cases
    """Regular expressions match the whole value, and an absent label is an empty one."""
    assert parse_matcher(text).matches(labels) is expected


def test_all_have_to_match() -> None:
    """Several conditions hold when each does, and none at all always hold."""
    both = parse_matchers("team=bi,severity!=info")
    assert all_match(both, {"team": "bi"})
    assert not all_match(both, {"team": "bi", "severity": "info"})
    assert all_match((), {})


@given(name=TEXT.filter(bool), value=TEXT, operator=EQUALITY)
def test_reads_back_what_it_writes(name: str, value: str, operator: Operator) -> None:
    """The text of a matcher is parsed to the same matcher, whatever its name and its value."""
    written = Matcher(name=name, operator=operator, value=value)
    assert parse_matcher(str(written)) == written


@given(
    parts=st.lists(st.tuples(st.sampled_from(["a", "b:c", "severity"]), EQUALITY, TEXT), min_size=1, max_size=4),
    braces=st.booleans(),
)
def test_reads_back_lists_of_what_it_writes(parts: list[tuple[str, Operator, str]], braces: bool) -> None:  # noqa: FBT001 - drawn
    """Several matchers in one text are read as those that were written, in braces or without."""
    written = [Matcher(name=name, operator=operator, value=value) for name, operator, value in parts]
    text = ",".join(map(str, written))
    assert parse_matchers(f"{{{text}}}" if braces else text) == tuple(written)


@given(text=st.text(st.sampled_from('ab{}=~!,"\\ \n.é')))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, it is matchers that can be written and read again, or a ValueError."""
    try:
        found = parse_matchers(text)
    except ValueError:
        return
    assert parse_matchers(",".join(map(str, found))) == found


def test_is_written_in_one_line() -> None:
    """Quotes, backslashes and line breaks are escaped where a matcher is written, and other names are quoted."""
    assert str(matcher("app", "=", 'a\n"\\')) == r'app="a\n\"\\"'
    assert str(matcher("label.name", "!=", "x")) == '"label.name"!="x"'


def test_lists_are_written_as_in_alertmanager() -> None:
    """Matchers stand in the order of name, value, operator, in braces, whatever order they had."""
    written = format_matchers(parse_matchers('b="1",a!="2",a="3",a=~"2"'))
    assert written == '{a!="2",a=~"2",a="3",b="1"}'


@given(value=TEXT, labels=st.dictionaries(st.sampled_from(["app", "team"]), TEXT))
def test_negation_is_the_opposite(value: str, labels: dict[str, str]) -> None:
    """For every alert exactly one of ``=`` and ``!=`` holds, and exactly one of ``=~`` and ``!~``."""
    for yes, no in (("=", "!="), ("=~", "!~")):
        text = value if yes == "=" else re2.escape(value)
        matches = [Matcher(name="app", operator=Operator(each), value=text).matches(labels) for each in (yes, no)]
        assert matches == [labels.get("app", "") == value, labels.get("app", "") != value]
