from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitor.errors import ConfigError, ConfigErrors
from monitor.settings import load

Errors = Callable[..., list[str]]

PROJECT = "projects: {p: {api_key: k}}\n"

NOT_A_DURATION = "is not a duration; write it as 90s, 1h30m or 7d"
ONE_CREDENTIAL = "give exactly one of api_key, api_key_file, token and token_file"
NO_APPS = 'enforce needs an explicit list in auto_stop.apps; "*" there means every run that has an app'
CREATES_USER = "is refused: Alli would create a user"
MAPPING = "should be a mapping of keys to values"
NOT_PEM = "cannot be used with cert_file: both should be PEM, and the key without a passphrase"
URL = "should be a URL that begins with http:// or https://"

BAD_PROJECTS = [
    ("", "1:12: projects.p: " + ONE_CREDENTIAL),
    ("api_key: a, api_key_file: key", "1:12: projects.p: " + ONE_CREDENTIAL),
    ("api_key: a, token: b", "1:12: projects.p: " + ONE_CREDENTIAL),
    ("api_key: ''", "1:16: projects.p.api_key: is empty"),
    ("api_key: a b", "1:16: projects.p.api_key: holds spaces or characters that an HTTP header cannot carry"),
    ("api_key: [a]", "1:16: projects.p.api_key: should be text"),
    ("api_key_file: gone", "1:16: projects.p.api_key_file: cannot read gone: No such file or directory"),
    ("api_key_file: .", "1:16: projects.p.api_key_file: cannot read .: Is a directory"),
    ("api_key_file: empty", "1:16: projects.p.api_key_file: empty is empty"),
    ("api_key_file: binary", "1:16: projects.p.api_key_file: binary is not UTF-8 text"),
    ("api_key_file: large", "1:16: projects.p.api_key_file: large is too large: more than 64 KiB"),
    ("api_key_file: []", "1:16: projects.p.api_key_file: should be the path of a file"),
    ('api_key_file: "a\\0b"', "1:16: projects.p.api_key_file: cannot read a\\x00b: not a path"),
    ("api_key: k, api_kye_file: f", "1:28: projects.p.api_kye_file: unknown key; did you mean api_key_file?"),
    ("api_key: k, base_url: ftp://x", f"1:28: projects.p.base_url: {URL}"),
    ("api_key: k, base_url: 'http://[x'", f"1:28: projects.p.base_url: {URL}"),
    (
        "api_key: k, base_url: 'https://me:pw@x'",
        "1:28: projects.p.base_url: should be a URL without user name, password, query and fragment",
    ),
    ("api_key: k, headers: {OWN-USER-ID: x}", f"1:38: projects.p.headers.OWN-USER-ID: {CREATES_USER}"),
    ("api_key: k, headers: {user_email: x}", f"1:38: projects.p.headers.user_email: {CREATES_USER}"),
    ("api_key: k, headers: {Api-Key: x}", "1:38: projects.p.headers.Api-Key: is set by api_key or api_key_file"),
    (
        'api_key: k, headers: {X: "a\\r\\nb"}',
        "1:38: projects.p.headers.X: holds characters that an HTTP header cannot carry",
    ),
    ("api_key: k, headers: {'a b': x}", "1:38: projects.p.headers.a b: is not the name of an HTTP header"),
    ("api_key: k, time_unit: us", "1:28: projects.p.time_unit: should be 'auto', 's' or 'ms'"),
    ("api_key: k, max_in_flight: 9", "1:28: projects.p.max_in_flight: should be at most 8"),
    ("api_key: k, max_in_flight: many", "1:28: projects.p.max_in_flight: should be a whole number"),
    ("api_key: k, requests_per_minute: 0", "1:28: projects.p.requests_per_minute: should be at least 1"),
    ("api_key: k, timeout: 20", f"1:28: projects.p.timeout: '20' {NOT_A_DURATION}"),
    ("api_key: k, timeout: 0s", "1:28: projects.p.timeout: should be from 100ms to 10y"),
    ("api_key: k, conversation_url: /c", "1:28: projects.p.conversation_url: should begin with http:// or https://"),
    (
        "api_key: k, conversation_url: 'http://x/{id}'",
        "1:28: projects.p.conversation_url: knows the placeholders {project} and {conversation_id} only",
    ),
    (
        "api_key: k, conversation_url: 'http://x/{'",
        "1:28: projects.p.conversation_url: has a { or } that is not part of a placeholder",
    ),
    ("api_key: k, timezone: Asia/Seul", "1:28: projects.p.timezone: is not a time zone; did you mean Asia/Seoul?"),
    ("api_key: k, http_config: {proxy_url: 'socks5://x'}", f"1:42: projects.p.http_config.proxy_url: {URL}"),
    (
        "api_key: k, http_config: {proxy_url: 'http://x', proxy_url_file: url}",
        "1:28: projects.p.http_config: give at most one of proxy_url and proxy_url_file",
    ),
    (
        "api_key: k, http_config: {tls_config: {ca_file: gone}}",
        "1:55: projects.p.http_config.tls_config.ca_file: cannot read gone: No such file or directory",
    ),
    (
        "api_key: k, http_config: {tls_config: {ca_file: key}}",
        "1:55: projects.p.http_config.tls_config.ca_file: holds no certificates in PEM form",
    ),
    (
        "api_key: k, http_config: {tls_config: {cert_file: key}}",
        "1:42: projects.p.http_config.tls_config: give both of cert_file and key_file, or neither",
    ),
    (
        "api_key: k, http_config: {tls_config: {cert_file: key, key_file: key}}",
        f"1:71: projects.p.http_config.tls_config.key_file: {NOT_PEM}",
    ),
    (
        "api_key: k, http_config: {tls_config: {server_name: .x}}",
        "1:55: projects.p.http_config.tls_config.server_name: is not the name of a host",
    ),
    (
        "api_key: k, http_config: {follow_redirects: true}",
        "1:42: projects.p.http_config.follow_redirects: unknown key",
    ),
    ("api_key: k, polling: {rnus: 5s}", "1:38: projects.p.polling.rnus: unknown key; did you mean runs?"),
    (
        "api_key: k, headers: {X-Key: a}, headers_file: {x_key: key}",
        "1:64: projects.p.headers_file.x_key: stands in headers, too",
    ),
    (
        "api_key: k, headers_file: {X: gone}",
        "1:43: projects.p.headers_file.X: cannot read gone: No such file or directory",
    ),
    ("api_key: k, headers_file: {User-Email: key}", f"1:43: projects.p.headers_file.User-Email: {CREATES_USER}"),
    ("api_key: k, auto_stop: {mode: enforce}", "1:40: projects.p.auto_stop.mode: " + NO_APPS),
]


@pytest.fixture
def files(tmp_path: Path) -> None:
    """Put good and bad secret files beside the config file."""
    (tmp_path / "key").write_text("k")
    (tmp_path / "url").write_text("http://a")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"k" * 65537)


@pytest.mark.parametrize(("project", "error"), BAD_PROJECTS, ids=[project for project, _ in BAD_PROJECTS])
@pytest.mark.usefixtures("files")
def test_says_what_is_wrong_with_a_project(errors_of: Errors, project: str, error: str) -> None:
    """Each mistake in a project is told in one line, at the line and column of its key."""
    assert errors_of(f"projects: {{p: {{{project}}}}}") == [f"monitor.yml:{error}"]


BAD_SECTIONS = [
    ("polling: {rnus: 5s}", "2:11: polling.rnus: unknown key; did you mean runs?"),
    ("polling: {zzz: 5s}", "2:11: polling.zzz: unknown key"),
    ("polling: {rnus}", "2:11: polling: there is a key without a value"),
    ("polling: {'runs:5s': x}", "2:11: polling.runs: unknown key; did you mean runs?"),
    ("poling: {}", "2:1: poling: unknown key; did you mean polling?"),
    ("polling: 5s", f"2:1: polling: {MAPPING}"),
    ("polling: {runs: 5 s}", f"2:11: polling.runs: '5 s' {NOT_A_DURATION}"),
    ("polling: {runs: 5sec}", f"2:11: polling.runs: '5sec' {NOT_A_DURATION}"),
    ("polling: {runs: [1]}", "2:11: polling.runs: a duration is text with a unit, such as 90s, 1h30m or 7d"),
    ("polling: {evaluation: 10ms}", "2:11: polling.evaluation: should be from 100ms to 10y"),
    (
        "polling: {ratings: [{younger_than: 2h, every: 5m}, {younger_than: 1h, every: 5m}]}",
        "2:53: polling.ratings[1].younger_than: should be longer than that of the tier before",
    ),
    ("polling: {ratings: [{younger_than: 2h}]}", "2:21: polling.ratings[0].every: is missing"),
    ("apps: [{match: ''}]", "2:9: apps[0].match: is empty"),
    ("apps: {match: a}", "2:1: apps: should be a list"),
    ("apps: [{match: a, run_limit: 1h1h}]", f"2:19: apps[0].run_limit: '1h1h' {NOT_A_DURATION}"),
    (
        "apps: [{match: a, labels: {app_id: x}}]",
        "2:28: apps[0].labels.app_id: is a label that the monitor sets itself",
    ),
    ("apps: [{match: a, labels: {1a: x}}]", "2:28: apps[0].labels.1a: is not a label name: letters, digits and _"),
    ("apps: [{match: a, labels: {__a: x}}]", "2:28: apps[0].labels.__a: is not a label name: letters, digits and _"),
    ("apps: [{match: a, labels: {a: [x]}}]", "2:28: apps[0].labels.a: should be text"),
    ("apps: [{match: a, auto_stop: {mode: enforce}}]", "2:31: apps[0].auto_stop.mode: " + NO_APPS),
    ("auto_stop: {mode: enforce}", "2:13: auto_stop.mode: " + NO_APPS),
    ("auto_stop: {mode: enforce, apps: []}", "2:13: auto_stop.mode: " + NO_APPS),
    ("auto_stop: {mode: on}", "2:13: auto_stop.mode: should be 'off', 'shadow' or 'enforce'"),
    ("auto_stop: {budget: {per_hour: -1}}", "2:22: auto_stop.budget.per_hour: should be at least 0"),
    ("rule_files: ['none/*.yml']", "2:14: rule_files[0]: matches no file"),
    ("rule_files: rules/*.yml", "2:1: rule_files: should be a list"),
    ("rule_files: [[a]]", "2:14: rule_files[0]: should be text"),
    ('rule_files: ["a\\0b"]', "2:14: rule_files[0]: matches no file"),
    ("project_files: x.yml", "2:1: project_files: should be a list"),
    ("project_files: [[x]]", "2:17: project_files[0]: should be text"),
    ("storage: {url: 'postgresql://u:secret@h/d'}", "2:11: storage.url: not in this version"),
    ("storage: {url: 'sqlite://'}", "2:11: storage.url: should be sqlite:/// and the path of a file"),
    ("storage: {url: 'sqlite:///:memory:'}", "2:11: storage.url: should be sqlite:/// and the path of a file"),
    ("storage: {url: 'sqlite:///a/'}", "2:11: storage.url: should be sqlite:/// and the path of a file"),
    ("storage: {max_size: 3gb}", "2:11: storage.max_size: '3gb' is not a size; write it as 500MB or 2GB"),
    ("storage: {max_size: [3]}", "2:11: storage.max_size: a size is text with a unit, such as 500MB or 2GB"),
    ("web: {listen: '7464'}", "2:7: web.listen: should be host:port, such as 127.0.0.1:7464 or [::1]:7464"),
    ("web: {listen: '::1:80'}", "2:7: web.listen: should be host:port, such as 127.0.0.1:7464 or [::1]:7464"),
    ("web: {listen: 'a:65536'}", "2:7: web.listen: should be host:port, such as 127.0.0.1:7464 or [::1]:7464"),
    ("web: {listen: '[x]:1'}", "2:7: web.listen: should be host:port, such as 127.0.0.1:7464 or [::1]:7464"),
    ("web: {token: a, token_file: key}", "2:1: web: give at most one of token and token_file"),
    ("log: {level: trace}", "2:7: log.level: should be 'debug', 'info', 'warning' or 'error'"),
    ("privacy: {excerpt_chars: 2001}", "2:11: privacy.excerpt_chars: should be at most 2000"),
    ("privacy: {excerpt_chars: -1}", "2:11: privacy.excerpt_chars: should be at least 0"),
    ("privacy: {redact: [name]}", "2:20: privacy.redact[0]: should be 'email', 'phone', 'card' or 'national_id'"),
    ("dead_man: {url: example.org}", f"2:12: dead_man.url: {URL}"),
    ("dead_man: {url: 'http://a', url_file: url}", "2:1: dead_man: give at most one of url and url_file"),
    ("dead_man: {url_file: key}", f"2:12: dead_man.url_file: {URL}"),
    ("alerting: {language: kr}", "2:12: alerting.language: should be 'en', 'ko' or 'ja'"),
    (
        "alerting: {receivers: [{name: default, slack_configs: [{}]}]}",
        "2:56: alerting.receivers[0].slack_configs[0]: give exactly one of api_url and api_url_file",
    ),
    (
        "alerting: {receivers: [{name: default, pagerduty_configs: [{}]}]}",
        "2:60: alerting.receivers[0].pagerduty_configs[0]: give exactly one of routing_key and routing_key_file",
    ),
    (
        "alerting: {receivers: [{name: default, pagerduty_configs: [{routing_key: abc}]}]}",
        "2:61: alerting.receivers[0].pagerduty_configs[0].routing_key: should be 32 letters and digits",
    ),
    (
        "alerting: {receivers: [{name: default, webhook_configs: [{url: 'http://a', http_config: {a: b}}]}]}",
        "2:76: alerting.receivers[0].webhook_configs[0].http_config: not in this version",
    ),
    (
        "alerting: {receivers: [{name: default}, {name: default}]}",
        "2:42: alerting.receivers[1].name: another receiver has this name",
    ),
    (
        "alerting: {receivers: [{name: oncall}], route: {receiver: oncal}}",
        "2:49: alerting.route.receiver: no receiver has this name; did you mean oncall?",
    ),
    (
        "alerting: {route: {routes: [{receiver: x}]}}",
        "2:30: alerting.route.routes[0].receiver: no receiver has this name",
    ),
    ("alerting: {route: {group_by: ['']}}", "2:31: alerting.route.group_by[0]: is not a label name"),
    ("alerting: {route: {group_interval: 0s}}", "2:20: alerting.route.group_interval: should be from 100ms to 10y"),
    (
        "alerting: {receivers: [{name: default, webhook_configs: [{}]}]}",
        "2:58: alerting.receivers[0].webhook_configs[0]: give exactly one of url and url_file",
    ),
    (
        "alerting: {receivers: [{name: default, webhook_configs: [{url: 'http://a', max_alerts: -1}]}]}",
        "2:76: alerting.receivers[0].webhook_configs[0].max_alerts: should be at least 0",
    ),
    ("? [a]\n: b", "2:3: a key should be plain text"),
    ("polling: !runs {}", "2:10: tags that begin with ! are not known here"),
    ("polling: {runs: 5s, runs: 6s}", "2:21: this key is there twice, first in line 2"),
    ("projects: {q: {api_key: k}}", "2:1: this key is there twice, first in line 1"),
    ("polling:\n\truns: 5s", "3:1: a tab cannot indent; use spaces"),
    ("polling: {", "2:11: expected the node content, but found '<stream end>'"),
    ("polling: *other", "2:10: found undefined alias a word"),
    ("a: b\n---\nc: d", "3:1: but found another document"),
    ('a: "\\U99999999"', " this is not YAML 1.2"),
]


@pytest.mark.parametrize(("section", "error"), BAD_SECTIONS, ids=[section for section, _ in BAD_SECTIONS])
@pytest.mark.usefixtures("files")
def test_says_what_is_wrong_with_a_section(errors_of: Errors, section: str, error: str) -> None:
    """Each mistake in a section is told in one line, at the line and column of its key."""
    assert errors_of(PROJECT + section) == [f"monitor.yml:{error}"]


def test_tells_everything_at_once_in_the_order_of_lines(errors_of: Errors) -> None:
    """All mistakes of a file are told together, sorted by where they are."""
    text = "polling: {runs: 5}\nprojects:\n  p: {}\n  q: {api_key: k, timeout: x}\nlogs: {}\n"
    assert errors_of(text) == [
        f"monitor.yml:1:11: polling.runs: '5' {NOT_A_DURATION}",
        f"monitor.yml:3:3: projects.p: {ONE_CREDENTIAL}",
        f"monitor.yml:4:19: projects.q.timeout: 'x' {NOT_A_DURATION}",
        "monitor.yml:5:1: logs: unknown key; did you mean log?",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "1:1: projects: is missing"),
        ("projects: {}", "1:1: projects: at least one project is needed"),
        ("projects:", "1:1: projects: is missing"),
        ("- a", "1:1: the file should be a mapping of keys to values"),
        ("word", "1:1: the file should be a mapping of keys to values"),
        ("projects: {a__b: {api_key: k}}", "1:12: projects.a__b: is not a project name"),
        ("projects: {/: {api_key: k}}", "1:12: projects./: is not a project name"),
        ("projects: {" + "a" * 64 + ": {api_key: k}}", f"1:12: projects.{'a' * 60}: is not a project name"),
        ("[" * 5000, " the file is nested too deeply, or too large"),
        ("a: " + "[" * 40 + "]" * 40, " the file is nested too deeply, or too large"),
        ("a: &a [*a]", " the file is nested too deeply, or too large"),
        ("# " + "x" * 1024 * 1024, " the file is too large: more than 1 MiB"),
        ("a: b\n x: \x07", "2:5: there is a character that YAML does not allow"),
    ],
)
def test_says_what_is_wrong_with_a_file(errors_of: Errors, text: str, error: str) -> None:
    """A file that is not what it should be as a whole is refused in one line."""
    (line,) = errors_of(text)
    assert line.startswith(f"monitor.yml:{error}")


def test_stops_at_a_file_that_blows_up(errors_of: Errors) -> None:
    """A small file whose aliases stand for millions of values is refused."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join(['*' + a] * 10)}]" for a, b in zip("abcdefg", "bcdefgh", strict=True)]
    assert errors_of("\n".join(lines)) == ["monitor.yml: the file is nested too deeply, or too large"]


@pytest.mark.parametrize(
    ("name", "reason"), [("gone.yml", "No such file or directory"), (".", "Is a directory"), ("a\0b", "not a path")]
)
def test_says_why_a_file_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    """A config file that is missing or a directory is refused with the system's reason."""
    with pytest.raises(ConfigErrors, match=f"cannot read this file: {reason}$"):
        load(tmp_path / name, {})


def test_says_where_a_file_is_not_utf_8(tmp_path: Path) -> None:
    """The first byte that is no UTF-8 is told by line and column."""
    file = tmp_path / "monitor.yml"
    file.write_bytes(b"projects:\n  p\xff: 1")
    with pytest.raises(ConfigErrors, match=r"monitor.yml:2:4: this is not UTF-8 text$"):
        load(file, {})


WORDS = st.sampled_from(
    ["projects", "p", "api_key", "apps", "alerting", "route", "routes", "receivers", "webhook_configs", "headers", "on"]
)
SYNTAX = st.sampled_from(
    [": ", "\n", "\n  ", "- ", "{", "}", "[", "]", ", ", "&a ", "*a", "!t ", "'", '"', "|\n", "%", "<<: "]
)
TEXTS = st.one_of(st.text(), st.lists(st.one_of(WORDS, SYNTAX, st.text(max_size=3)), max_size=40).map("".join))


@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=TEXTS)
def test_any_text_loads_or_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever a config file holds, loading it raises nothing but ConfigErrors, of one line each."""
    file = tmp_path / "monitor.yml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert all(str(error).isprintable() for error in _errors(file))


def _errors(file: Path) -> tuple[ConfigError, ...]:
    try:
        load(file, {})
    except ConfigErrors as errors:
        return errors.errors
    return ()
