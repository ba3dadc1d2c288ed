from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import trustme
from pydantic import SecretStr

from docs.generate import Key, meanings, settings_keys
from monitor.settings import Settings, load
from monitor.settings.fields import Section

SECRET = "http://127.0.0.1:1/s3cr3t"  # noqa: S105 - fit for an address and for a header
CREDENTIALS = {f"projects.<name>.{name}{end}" for name in ("api_key", "token") for end in ("", "_file")}
BUILT = [key for key in settings_keys() if meanings()[key.path] is not None]
PLAIN = [key for key in BUILT if "[]" not in key.path]

BY_TYPE = {
    "duration": "47s",
    "number": "7",
    "size": "47MB",
    "secret": SECRET,
    "path of a secret": "secret",
}
BY_KEY = {
    "projects.<name>.base_url": "https://other.example",
    "projects.<name>.timezone": "Asia/Seoul",
    "projects.<name>.conversation_url": "https://other.example/{conversation_id}",
    "projects.<name>.headers": '{"X-Key": "a"}',
    "projects.<name>.headers_file": '{"X-Key": "secret"}',
    "projects.<name>.http_config.tls_config.ca_file": "ca.pem",
    "projects.<name>.http_config.tls_config.cert_file": "other.pem",
    "projects.<name>.http_config.tls_config.key_file": "other.pem",
    "projects.<name>.http_config.tls_config.server_name": "other.example",
    "project_files": '["*.yml"]',
    "rule_files": "[]",
    "privacy.redact": '["card"]',
    "auto_stop.apps": '["*"]',
    "alerting.route.receiver": "other",
    "alerting.route.group_by": "[]",
    "storage.url": "sqlite:///other.db",
    "web.listen": "127.0.0.1:1",
    "web.external_url": "https://other.example",
}
LISTS: dict[str, list[dict[str, Any]]] = {
    "projects.<name>.polling.ratings": [{"younger_than": "1h", "every": "1m"}],
    "apps": [{"match": "*", "run_limit": "1m", "labels": {"a": "b"}, "auto_stop": {"mode": "off"}}],
    "polling.ratings": [{"younger_than": "1h", "every": "1m"}],
    "alerting.route.routes": [
        {"matchers": ['a="b"'], "continue": True, "group_by": [], "routes": [{"match": {"a": "b"}}]}
    ],
    "alerting.inhibit_rules": [{"source_match": {"a": "b"}, "target_matchers": ["c=~d"], "equal": ["e"]}],
    "alerting.time_intervals": [{"name": "weekend", "time_intervals": [{"weekdays": ["saturday", "sunday"]}]}],
    "alerting.mute_time_intervals": [{"name": "weekend", "time_intervals": [{"years": [2027]}]}],
    "alerting.receivers": [
        {"name": "default"},
        {
            "name": "other",
            "webhook_configs": [{"url_file": "secret", "max_alerts": 1}],
            "alertmanager_configs": [{"url": SECRET, "send_resolved": False}],
            "slack_configs": [{"api_url_file": "secret", "max_alerts": 1}],
            "pagerduty_configs": [{"routing_key": "0" * 32, "incident": "group", "severity": {"page": "critical"}}],
        },
    ],
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a config file with two receivers, and beside it what the variables name."""
    (tmp_path / "secret").write_text(SECRET)
    authority = trustme.CA()
    client = authority.issue_cert("client.example").private_key_and_cert_chain_pem
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("client.pem", "other.pem"):
        client.write_to_path(str(tmp_path / name))
    file = tmp_path / "monitor.yaml"
    file.write_text("alerting: {receivers: [{name: default}, {name: other}]}\n")
    return file


def loaded(config: Path, **given: str) -> Settings:
    """Return the settings with variables for these paths, and for what else a project and a certificate need."""
    tls = {f"projects.<name>.http_config.tls_config.{name}_file": "client.pem" for name in ("cert", "key")}
    credential = {} if given.keys() & CREDENTIALS else {"projects.<name>.api_key": "k"}
    values = tls | credential | given
    names = {path: path.replace("<name>", "p").replace(".", "__").upper() for path in values}
    return load(config, {f"ALLI_MONITOR_{names[path]}": value for path, value in values.items()})


def sample(key: Key) -> str:
    """Return a value for a key that is not its default."""
    if key.type == "true or false":
        return "false" if key.default == "`true`" else "true"
    words = re.findall(r"`(\w+)`", key.type)
    return BY_KEY.get(key.path) or (words[-1] if words else BY_TYPE[key.type])


@pytest.mark.parametrize("key", PLAIN, ids=lambda key: key.path)
def test_every_key_can_be_given_by_a_variable(key: Key, config: Path) -> None:
    """A variable that is named after the path of a key changes the settings."""
    given = {key.path: sample(key)}
    if key.path.endswith(".mode"):
        given["auto_stop.apps"] = '["*"]'  # which enforce needs
    assert loaded(config, **given) != loaded(config, **{path: given[path] for path in given if path != key.path})


@pytest.mark.parametrize("path", LISTS)
def test_every_list_can_be_given_by_a_variable(path: str, config: Path) -> None:
    """A list is given as a whole, as JSON, with all that is in its items."""
    assert loaded(config, **{path: json.dumps(LISTS[path])}) != loaded(config)


def test_there_are_no_other_lists() -> None:
    """The lists with keys in their items are those that are tried."""
    assert {key.path.partition("[]")[0] for key in BUILT if "[]" in key.path} == LISTS.keys()


def sections(annotation: Any, above: frozenset[type[Section]] = frozenset()) -> Iterator[type[Section]]:
    """Yield every section in a type, and in those; one that holds itself only once."""
    if isinstance(annotation, type) and issubclass(annotation, Section) and annotation not in above:
        yield annotation
        for field in annotation.model_fields.values():
            yield from sections(field.annotation, above | {annotation})
    for part in get_args(annotation):
        yield from sections(part, above)


def is_secret(annotation: Any) -> bool:
    """Return whether a type holds a secret itself, not in a section of it."""
    return annotation is SecretStr or any(is_secret(part) for part in get_args(annotation))


SECRETS = sorted(
    {
        (section.__name__, field.alias or name, frozenset(section.model_fields))
        for section in sections(Settings)
        for name, field in section.model_fields.items()
        if is_secret(field.annotation) and not name.endswith("_file")
    }
)


@pytest.mark.parametrize(
    ("section", "key", "names"), SECRETS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_secret_may_stand_in_a_file(section: str, key: str, names: frozenset[str]) -> None:
    """Beside the key of a secret there is one for a file that holds it."""
    assert f"{key}_file" in names


def test_secrets_are_found() -> None:
    """The walk over the sections finds the secrets that there are."""
    found = {(section, key) for section, key, _ in SECRETS}
    assert {("Project", "api_key"), ("Project", "headers"), ("HttpConfig", "proxy_url"), ("Web", "token")} <= found
