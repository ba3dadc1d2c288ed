from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitor.errors import ConfigErrors
from monitor.settings import Settings, load

Load = Callable[..., Settings]

SECRET = "s3cr3t"  # noqa: S105 - made up
TEXT = f"""
projects:
  p: {{api_key: {SECRET}-1, headers: {{X-Gateway: {SECRET}-2}}}}
  q: {{token_file: token}}
web: {{token: {SECRET}-4}}
dead_man: {{url: "https://ping.example/{SECRET}-5"}}
alerting:
  receivers:
    - name: default
      webhook_configs: [{{url: "https://hooks.example/{SECRET}-6"}}]
      alertmanager_configs: [{{url_file: am}}]
      slack_configs: [{{api_url: "https://hooks.slack.example/{SECRET}-8"}}]
      pagerduty_configs: [{{routing_key: {SECRET}9{"0" * 25}}}]
"""


@pytest.fixture
def settings(load_text: Load, tmp_path: Path) -> Settings:
    """Return settings with a secret in every place that can hold one."""
    (tmp_path / "token").write_text(f"{SECRET}-3\n")
    (tmp_path / "am").write_text(f"http://{SECRET}-7.example")
    return load_text(TEXT)


def test_secrets_are_there_to_use(settings: Settings) -> None:
    """Whether it stands in the configuration or in a file, a secret is found under the name of its key."""
    token, web_token, ping = settings.projects["q"].token, settings.web.token, settings.dead_man.url
    receiver = settings.alerting.receivers[0]
    assert token and web_token and ping  # noqa: PT018 - for the type checker
    assert token.get_secret_value() == f"{SECRET}-3"
    assert web_token.get_secret_value() == f"{SECRET}-4"
    assert ping.get_secret_value() == f"https://ping.example/{SECRET}-5"
    assert receiver.webhook_configs[0].url.get_secret_value() == f"https://hooks.example/{SECRET}-6"
    assert receiver.alertmanager_configs[0].url.get_secret_value() == f"http://{SECRET}-7.example"
    assert receiver.slack_configs[0].api_url.get_secret_value() == f"https://hooks.slack.example/{SECRET}-8"
    assert receiver.pagerduty_configs[0].routing_key.get_secret_value() == f"{SECRET}9{'0' * 25}"


def test_secrets_can_be_listed(settings: Settings) -> None:
    """Every secret is told to whoever has to hide them."""
    marks = {text[text.index(SECRET) + len(SECRET) :].lstrip("-")[0] for text in settings.secrets()}
    assert marks == set("123456789")


@pytest.mark.parametrize("show", [str, repr, Settings.model_dump_json, lambda s: str(s.model_dump())])
def test_secrets_are_never_shown(settings: Settings, show: Callable[[Settings], str]) -> None:
    """No way of writing settings down writes their secrets."""
    assert SECRET not in show(settings)


@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    position=st.integers(0, len(TEXT)), typed=st.text("{}[]:,&*!|>'\"%@` \n\t-", max_size=3), dropped=st.integers(0, 3)
)
@example(position=TEXT.index(SECRET), typed="*", dropped=0)
@example(position=TEXT.index(SECRET), typed="!", dropped=0)
@example(position=TEXT.index(SECRET) - 1, typed="", dropped=1)
@example(position=TEXT.index(SECRET) - 2, typed="", dropped=2)
def test_a_slip_does_not_tell_a_secret(tmp_path: Path, position: int, typed: str, dropped: int) -> None:
    """An error about a file that a slip of the fingers broke next to a secret does not quote it, nor do its causes."""
    (tmp_path / "token").write_text(f"{SECRET}-3")
    (tmp_path / "am").write_text(f"http://{SECRET}-7.example")
    file = tmp_path / "monitor.yml"
    file.write_text(TEXT[:position] + typed + TEXT[position + dropped :])
    try:
        load(file, {})
    except ConfigErrors as errors:
        told = str(errors)
    else:
        told = ""
    assert SECRET not in told


@pytest.mark.parametrize(
    "environ",
    [
        {"ALLI_MONITOR_API_KEY": f"{SECRET} {SECRET}"},
        {"ALLI_MONITOR_API_KEY": f"{SECRET}\ud800"},
        {"ALLI_MONITOR_API_KEY": "k", "ALLI_MONITOR_DEAD_MAN__URL": f"htp://{SECRET}"},
        {"ALLI_MONITOR_API_KEY": "k", "ALLI_MONITOR_DEAD_MAN__URL": f"http://[{SECRET}"},
        {"ALLI_MONITOR_API_KEY": "k", "ALLI_MONITOR_DEAD_MAN__URL": f"http://{SECRET}\u2100.example"},
        {"ALLI_MONITOR_API_KEY": "k", "ALLI_MONITOR_PROJECTS__DEFAULT__HEADERS": f'{{"X": "{SECRET}'},
        {"ALLI_MONITOR_API_KEY": "k", "ALLI_MONITOR_STORAGE__URL": f"postgresql://u:{SECRET}@h/d"},
        {"ALLI_MONITOR_API_KEY": "k", "ALLI_MONITOR_PROJECTS__DEFAULT__BASE_URL": f"https://u:{SECRET}@h"},
    ],
)
def test_a_wrong_variable_does_not_tell_a_secret(environ: dict[str, str]) -> None:
    """An error about a secret that cannot be used quotes it nowhere, not even among its causes."""
    with pytest.raises(ConfigErrors) as caught:
        load(None, environ)
    error: BaseException | None = caught.value
    assert str(error).startswith("ALLI_MONITOR_")
    while error is not None:
        assert SECRET not in f"{error!s} {error!r}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
