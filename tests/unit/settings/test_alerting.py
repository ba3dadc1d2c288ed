from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from monitor.alerting.routing import RoutingTree
from monitor.configured import mute_policy, routing_tree
from monitor.settings import Settings

Load = Callable[..., Settings]
Errors = Callable[..., list[str]]

PROJECT = "projects: {p: {api_key: k}}\n"
RECEIVERS = "receivers: [{name: default}, {name: oncall}, {name: bi}]"

ALERTMANAGER_YML = """\
alerting:
  route:
    receiver: oncall
    group_by: [alertname, cluster]
    continue: false
    matchers: []
    routes:
      - match: {service: database}
        match_re: {owner: 'team-(a|b)'}
        receiver: bi
        routes:
          - matchers: ['{severity="critical",env!~"dev.*"}', region=eu]
            group_by: ['...']
            continue: true
            mute_time_intervals: [offhours]
      - receiver: ''
        group_by: []
        active_time_intervals: [offhours, weekend]
  receivers: [{name: oncall}, {name: bi}]
  inhibit_rules:
    - source_match: {severity: critical}
      target_match_re: {severity: 'warning|info'}
      equal: [alertname, cluster]
    - {name: x, source_matchers: [a=b], source_match_re: {f: g}, target_matchers: ['"c.d"="e"'], target_match: {h: i}}
  mute_time_intervals:
    - {name: weekend, time_intervals: [{weekdays: [saturday, sunday], location: Asia/Seoul}]}
  time_intervals:
    - name: offhours
      time_intervals:
        - times: [{start_time: '17:00', end_time: 24:00}, {start_time: 00:00, end_time: '09:00'}]
          months: [1, may:august]
        - {years: ['2027'], days_of_month: ['-1', 1:5]}
"""


def tree(alerting: dict[str, Any]) -> RoutingTree:
    """Return the routing tree of a configuration with the receivers above."""
    names = [{"name": name} for name in ("default", "oncall", "bi")]
    settings = Settings.model_validate(
        {"projects": {"p": {"api_key": "k"}}, "rule_files": [], "alerting": {"receivers": names, **alerting}}
    )
    return routing_tree(settings.alerting.route)


def test_an_alertmanagers_routes_load_unchanged(load_text: Load) -> None:
    """Routes in old and new words, at any depth, are those that Alertmanager makes of them."""
    found = routing_tree(load_text(PROJECT + ALERTMANAGER_YML).alerting.route)
    assert [(each.key, each.receiver, each.group_by, each.continue_) for each in found.routes()] == [
        ("{}", "oncall", ("alertname", "cluster"), False),
        ('{}/{owner=~"^(?:team-(a|b))$",service="database"}', "bi", ("alertname", "cluster"), False),
        (
            '{}/{owner=~"^(?:team-(a|b))$",service="database"}/{env!~"dev.*",region="eu",severity="critical"}',
            "bi",
            ("...",),
            True,
        ),
        ("{}/{}", "oncall", ("alertname", "cluster"), False),
    ]
    assert [(each.mute_time_intervals, each.active_time_intervals) for each in found.routes()] == [
        ((), ()),
        ((), ()),
        (("offhours",), ()),
        ((), ("offhours", "weekend")),
    ]
    labels = {"service": "database", "owner": "team-b", "region": "eu", "severity": "critical"}
    assert [route.receiver for route in found.match(labels)] == ["bi"]
    assert [route.receiver for route in found.match({**labels, "owner": "team-bc"})] == ["oncall"]


def test_an_alertmanagers_inhibition_loads_unchanged(load_text: Load) -> None:
    """The conditions of inhibition rules in old and new words are all of them."""
    first, second = mute_policy(load_text(PROJECT + ALERTMANAGER_YML).alerting).inhibit_rules
    assert [str(each) for each in first.sources] == ['severity="critical"']
    assert [str(each) for each in first.targets] == ['severity=~"^(?:warning|info)$"']
    assert first.equal == ("alertname", "cluster")
    assert [str(each) for each in second.sources] == ['f=~"^(?:g)$"', 'a="b"']
    assert [str(each) for each in second.targets] == ['h="i"', '"c.d"="e"']


def test_an_alertmanagers_intervals_load_unchanged(load_text: Load) -> None:
    """Intervals under both names, with numbers and times that are not quoted, have all their spans and their zone."""
    intervals = mute_policy(load_text(PROJECT + ALERTMANAGER_YML).alerting).intervals
    [weekend] = intervals["weekend"]
    assert (weekend.weekdays, str(weekend.location)) == (((6, 6), (0, 0)), "Asia/Seoul")
    first, second = intervals["offhours"]
    assert (first.times, first.months) == (((17 * 60, 24 * 60 - 1), (0, 9 * 60 - 1)), ((1, 1), (5, 8)))
    assert (second.years, second.days_of_month) == (((2027, 2027),), ((-1, -1), (1, 5)))


def test_routes_inherit_what_they_do_not_say() -> None:
    """Receiver, groups and rhythm come from the nearest route above that says them; intervals are a route's own."""
    routes = [
        {
            "receiver": "bi",
            "group_wait": "0s",
            "repeat_backoff": "2",
            "repeat_max": "1d",
            "routes": [{"group_by": ["..."], "group_interval": "2m"}, {"repeat_interval": "5m", "repeat_backoff": 1}],
        }
    ]
    _, middle, first, second = tree({"route": {"receiver": "oncall", "routes": routes}}).routes()
    assert (middle.group_wait, middle.group_interval, middle.repeat_interval) == (0.0, 60.0, 14_400.0)
    assert (first.receiver, first.group_by, first.group_wait, first.group_interval) == ("bi", ("...",), 0.0, 120.0)
    assert (first.repeat_interval, first.repeat_backoff, first.repeat_max) == (14_400.0, 2.0, 86_400.0)
    assert (second.repeat_interval, second.repeat_backoff, second.repeat_max) == (300.0, 1.0, 86_400.0)
    assert second.group_by == ("alertname", "project", "app")


BAD = [
    ("route: {matchers: [a=b]}", "3:11", "route.matchers", "ROOT"),
    ("route: {continue: true}", "3:11", "route.continue", "ROOT"),
    ("route: {active_time_intervals: [x]}", "3:11", "route.active_time_intervals", "ROOT"),
    ("route: {group_by: [a, ...]}", "3:11", "route.group_by", "has ..., which means all labels, beside others"),
    ("route: {group_by: [a, b, a]}", "3:28", "route.group_by[2]", "stands there twice"),
    ("route: {repeat_backoff: 0.5}", "3:11", "route.repeat_backoff", "should be at least 1.0"),
    ("route: {repeat_backoff: nan}", "3:11", "route.repeat_backoff", "should be at most 100.0"),
    ("route: {repeat_backoff: 2x}", "3:11", "route.repeat_backoff", "should be a number"),
    (
        "route: {routes: [{routes: [{receiver: oncal}]}]}",
        "3:31",
        "route.routes[0].routes[0].receiver",
        "no receiver has this name; did you mean oncall?",
    ),
    ("route: {routes: [{matcher: []}]}", "3:21", "route.routes[0].matcher", "unknown key; did you mean matchers?"),
    (
        "route: {routes: [{matchers: [a=b, a]}]}",
        "3:37",
        "route.routes[0].matchers[1]",
        """'a' is not a matcher; write it as name="value", with one of = != =~ !~""",
    ),
    (
        "route: {routes: [{match_re: {a: '('}}]}",
        "3:32",
        "route.routes[0].match_re.a",
        "'^(?:()$' is not a regular expression as RE2 knows it: missing ): ^(?:()$",
    ),
    (
        "route: {routes: [{mute_time_intervals: [weekedn]}]}, time_intervals: [{name: weekend}]",
        "3:43",
        "route.routes[0].mute_time_intervals[0]",
        "no time interval has this name; did you mean weekend?",
    ),
    (
        "mute_time_intervals: [{name: a}], time_intervals: [{name: b}, {name: a}]",
        "3:66",
        "time_intervals[1].name",
        "another time interval has this name",
    ),
    (
        "time_intervals: [{name: a, time_intervals: [{weekdays: []}]}]",
        "3:48",
        "time_intervals[0].time_intervals[0].weekdays",
        "is empty, so that no time would be in it; leave the key out where any will do",
    ),
    (
        "time_intervals: [{name: a, time_intervals: [{days_of_month: ['1', '0']}]}]",
        "3:69",
        "time_intervals[0].time_intervals[0].days_of_month[1]",
        "should be days from 1 to 31, or from -1, the last, back to -31, such as 1:5 or -3:-1",
    ),
    (
        "time_intervals: [{name: a, time_intervals: [{times: [{start_time: 9, end_time: '10:00'}]}]}]",
        "3:56",
        "time_intervals[0].time_intervals[0].times[0]",
        "should be a time from 00:00 to 24:00, with two digits each",
    ),
    (
        "time_intervals: [{name: a, time_intervals: [{location: Asia/Soul}]}]",
        "3:48",
        "time_intervals[0].time_intervals[0].location",
        "is not a time zone; did you mean Asia/Seoul?",
    ),
    ("inhibit_rules: [{equal: ['']}]", "3:28", "inhibit_rules[0].equal[0]", "is not a label name"),
]
"""What stands in line 3, the place of the mistake, the key, and what is said."""


@pytest.mark.parametrize(("section", "place", "key", "message"), BAD)
def test_says_what_is_wrong(errors_of: Errors, section: str, place: str, key: str, message: str) -> None:
    """Each mistake is told in one line, at its place, with what is probably meant."""
    message = message.replace("ROOT", "the root route takes every alert at any time; put this on a route below it")
    text = f"{PROJECT}alerting: {{{RECEIVERS},\n  {section}}}\n"
    assert errors_of(text) == [f"monitor.yml:{place}: alerting.{key}: {message}"]


FOREIGN = f"""\
{PROJECT}alerting:
  global:
    resolve_timeout: 5m
    slack_api_url: https://hooks.slack.example/s3cr3t
    unheard_of: 1
  templates: ['*.tmpl']
  receivers:
    - name: default
      opsgenie_configs: [{{api_key: s3cr3t}}]
      slack_configs:
        - api_url: https://hooks.slack.example/s3cr3t
          title: anything
          chanel: x
"""
TEMPLATES = "messages are not made by templates here: the annotations of a rule say what is told"


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ("4:5", "global.resolve_timeout", "NO; an alert ends when its rule says so"),
        ("5:5", "global.slack_api_url", "NO; say api_url in each of slack_configs"),
        ("6:5", "global.unheard_of", "unknown key"),
        ("7:3", "templates", f"NO; {TEMPLATES}"),
        ("10:7", "receivers[0].opsgenie_configs", "NO; use apprise_configs"),
        ("13:11", "receivers[0].slack_configs[0].title", f"NO; {TEMPLATES}"),
        ("14:11", "receivers[0].slack_configs[0].chanel", "unknown key"),
    ],
)
def test_names_each_key_of_alertmanager_that_means_nothing_here(
    errors_of: Errors, line: str, key: str, message: str
) -> None:
    """Receivers and globals of an alertmanager.yml are refused key by key, by name, and with what to use instead."""
    message = message.replace("NO", f"Alertmanager's {key.rpartition('.')[2]} is not supported here")
    found = errors_of(FOREIGN)
    assert f"monitor.yml:{line}: alerting.{key}: {message}" in found
    assert len(found) == 7


def test_deep_routes_are_settings_or_an_error(load_text: Load, errors_of: Errors) -> None:
    """Routes may be nested fourteen deep in a file; deeper ones are refused, in a file and in a variable."""

    def nested(depth: int) -> str:
        return "{}" if depth == 0 else f'{{"routes": [{nested(depth - 1)}]}}'

    found = load_text(f"{PROJECT}alerting: {{route: {nested(14)}}}")
    assert len([*routing_tree(found.alerting.route).routes()]) == 15
    [error] = errors_of(f"{PROJECT}alerting: {{route: {nested(16)}}}")
    assert "nested too deeply" in error
    [*_, error] = errors_of(PROJECT, {"ALLI_MONITOR_ALERTING__ROUTE": nested(400)})
    assert "ALLI_MONITOR_ALERTING__ROUTE" in error
