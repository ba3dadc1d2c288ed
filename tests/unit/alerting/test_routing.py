from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.routing import Matcher, Operator, Route, RoutingTree, parse_matcher

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def route(receiver: str, *matchers: str, group_by: tuple[str, ...] = (), continue_: bool = False) -> Route:
    """Return a route of these matchers with ordinary intervals."""
    return Route(
        receiver=receiver,
        group_by=group_by,
        group_wait=10,
        group_interval=60,
        repeat_interval=14_400,
        matchers=tuple(parse_matcher(text) for text in matchers),
        continue_=continue_,
    )


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
        ('app="고객지원"', "app", "=", "고객지원"),
        ("app=サポート", "app", "=", "サポート"),
        ('app="two\nlines"', "app", "=", "two\nlines"),
    ],
)
def test_parses(text: str, name: str, operator: str, value: str) -> None:
    """Names, operators and values, quoted or bare, are read as Alertmanager reads them."""
    assert parse_matcher(text) == Matcher(name=name, operator=Operator(operator), value=value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "severity",
        "=info",
        '"severity"="info"',
        "sever-ity=info",
        "0app=x",
        "severity==info",
        "severity=~~x",
        'severity="info',
        'severity=info"',
        r'severity="info\"',
        'severity="a" b',
        'severity="a",app="b"',
        "severity=a,app=b",
        '{severity="a"}',
        "app=~a{2}",
        "severity='info'",
    ],
)
def test_refuses_what_is_not_one_matcher(text: str) -> None:
    """What is no matcher, or could be meant in two ways, is refused with the text and the way to write it."""
    with pytest.raises(ValueError, match="matcher") as caught:
        parse_matcher(text)
    assert repr(text) in str(caught.value)
    assert "value" in str(caught.value)


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


@given(value=TEXT, operator=st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL]))
def test_reads_back_what_it_writes(value: str, operator: Operator) -> None:
    """The text of a matcher is parsed to the same matcher, whatever its value."""
    matcher = Matcher(name="app", operator=operator, value=value)
    assert parse_matcher(str(matcher)) == matcher


def test_is_written_in_one_line() -> None:
    """Quotes, backslashes and line breaks of a value are escaped where a matcher is written."""
    assert str(Matcher(name="app", operator=Operator.EQUAL, value='a\n"\\')) == r'app="a\n\"\\"'


@given(value=TEXT, labels=st.dictionaries(st.sampled_from(["app", "team"]), TEXT))
def test_negation_is_the_opposite(value: str, labels: dict[str, str]) -> None:
    """For every alert exactly one of ``=`` and ``!=`` holds, and exactly one of ``=~`` and ``!~``."""
    for yes, no in (("=", "!="), ("=~", "!~")):
        text = value if yes == "=" else re2.escape(value)
        matches = [Matcher(name="app", operator=Operator(each), value=text).matches(labels) for each in (yes, no)]
        assert matches == [labels.get("app", "") == value, labels.get("app", "") != value]


def test_takes_the_first_route_that_matches() -> None:
    """An alert takes the first child it matches, and no other."""
    first, second = route("first", "severity=info"), route("second", "severity=~info|critical")
    tree = RoutingTree(route("root"), [first, second])
    assert tree.match({"severity": "info"}) == [first]
    assert tree.match({"severity": "critical"}) == [second]


def test_goes_on_after_continue() -> None:
    """After a child with `continue` the next ones are tried as well, up to the first without."""
    audit, first, second = route("audit", "team=bi", continue_=True), route("first"), route("second", "team=bi")
    tree = RoutingTree(route("root"), [audit, first, second])
    assert tree.match({"team": "bi"}) == [audit, first]
    assert tree.match({"team": "ops"}) == [first]


def test_falls_back_to_the_root() -> None:
    """An alert no child takes goes to the root, and one a child with `continue` took does not."""
    audit = route("audit", "team=bi", continue_=True)
    tree = RoutingTree(route("root"), [audit])
    assert tree.match({}) == [tree.root]
    assert tree.match({"team": "bi"}) == [audit]


def test_needs_all_matchers_of_a_route() -> None:
    """A route is taken only by alerts that satisfy all of its matchers."""
    child = route("child", "team=bi", "severity!=info")
    tree = RoutingTree(route("root"), [child])
    assert tree.match({"team": "bi", "severity": "critical"}) == [child]
    assert tree.match({"team": "bi", "severity": "info"}) == [tree.root]


def test_refuses_a_root_with_matchers() -> None:
    """The root takes every alert, so matchers on it are a mistake."""
    with pytest.raises(ValueError, match="root"):
        RoutingTree(route("root", "severity=info"))


def test_refuses_routes_that_cannot_be_told_apart() -> None:
    """Two children with the same matchers, in any order, and the same receiver would share their groups."""
    child, twin = route("a", "team=bi", "severity=info"), route("a", "severity=info", "team=bi")
    with pytest.raises(ValueError, match="same matchers"):
        RoutingTree(route("root"), [child, twin])
    RoutingTree(route("root"), [child, route("b", "team=bi", "severity=info")])


LABELS = {"project": "p", "alertname": "X", "severity": "info"}


@pytest.mark.parametrize(
    ("matchers", "group_by", "key"),
    [
        ((), ("project",), '{}:{project="p"}'),
        ((), (), "{}:{}"),
        ((), ("missing",), "{}:{}"),
        (("severity=info",), ("project", "alertname"), '{}/{severity="info"}:{alertname="X", project="p"}'),
        (("b!=2", 'a=~"1"'), ("...",), '{}/{a=~"1",b!="2"}:{alertname="X", project="p", severity="info"}'),
    ],
)
def test_group_key(matchers: tuple[str, ...], group_by: tuple[str, ...], key: str) -> None:
    """The key of a group has the form of Alertmanager's, sorted, without labels the alert does not have."""
    taken = route("a", *matchers, group_by=group_by)
    assert RoutingTree(route("root")).group_key(taken, LABELS) == key


def test_group_labels() -> None:
    """The labels of a group are those it is grouped by, as far as the alert has them."""
    tree = RoutingTree(route("root", group_by=("alertname", "app")))
    assert tree.group_labels(tree.root, LABELS) == {"alertname": "X"}


@given(one=st.dictionaries(TEXT, TEXT, max_size=3), other=st.dictionaries(TEXT, TEXT, max_size=3))
def test_group_keys_differ_where_labels_differ(one: dict[str, str], other: dict[str, str]) -> None:
    """Two alerts share a group exactly when they share the values they are grouped by, quotes and commas or not."""
    names = ("a", "b")
    tree = RoutingTree(route("root", group_by=names))
    first, second = (dict(zip(names, labels.values(), strict=False)) for labels in (one, other))
    same = tree.group_key(tree.root, first) == tree.group_key(tree.root, second)
    assert same is (first == second)
