"""What `alli-monitor notify test` sends, and what it says of the outcome."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.cli import commands
from monitor.cli.notify import sample, try_out
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.settings import Settings
from tests.support.clock import ManualClock
from tests.support.receivers import FakeReceiver, Reply, composer
from tests.support.rig_inbox import Inbox

SETTINGS = Settings.model_validate({"projects": {"support": {"api_key": "k", "timezone": "Asia/Seoul"}}})
CLOCK = ManualClock()
SAMPLE = sample(SETTINGS, "https://monitor.example", now=CLOCK.now())


async def test_a_sample_is_sent_and_then_its_resolve(capsys: pytest.CaptureFixture[str]) -> None:
    """Each integration gets both in notifications of their own, at its own pace, and a line says so for each."""
    clock = ManualClock()
    first, second = Inbox(clock=clock, pace=3.0), Inbox(clock=clock, integration="slack", send_resolved=False)
    assert await try_out({"oncall": [first, second]}, SAMPLE, clock, resolve=True)
    assert [told.status.value for told in first.told] == ["firing", "resolved"]
    assert len({key for _, key in first.attempts + second.attempts}) == 3
    assert first.accepted_at[1] - first.accepted_at[0] == 3.0
    assert [told.status.value for told in second.told] == ["firing"]
    assert capsys.readouterr().out.splitlines() == [
        "oncall/webhook[0]: firing accepted in 0.00 s",
        "oncall/webhook[0]: resolved accepted in 0.00 s",
        "oncall/slack[0]: firing accepted in 0.00 s",
        "oncall/slack[0]: wants no resolves (send_resolved)",
    ]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (DeliveryDelayed("x answered 503"), "not accepted: x answered 503; see whether it can be reached from here"),
        (DeliveryRefused("x answered 404", reason="r"), "refused: x answered 404; correct its address, credential"),
        (DeliveryRefused("x answered 413", reason="r", scope="payload"), "refused: x answered 413; it can be reached"),
    ],
)
async def test_what_does_not_arrive_says_what_to_do(
    error: Exception, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that fails does not keep others from theirs, gets no resolve, and the outcome as a whole is not good."""
    broken, good = Inbox(clock=CLOCK, error=error), Inbox(clock=CLOCK, receiver="other")
    assert not await try_out({"oncall": [broken], "other": [good]}, SAMPLE, CLOCK, resolve=True)
    assert len(broken.attempts) == 1
    assert len(good.told) == 2
    assert f"oncall/webhook[0]: firing {says}" in capsys.readouterr().out


async def test_a_receiver_without_integrations_is_not_good(capsys: pytest.CaptureFixture[str]) -> None:
    """Alone it is no success, since nobody was told; beside others it is only named."""
    assert not await try_out({"nobody": []}, SAMPLE, CLOCK, resolve=False)
    assert await try_out({"nobody": [], "oncall": [Inbox(clock=CLOCK)]}, SAMPLE, CLOCK, resolve=False)
    assert "nobody: has no integrations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "nothing is wrong"), ("ko", "실제 문제는 없습니다"), ("ja", "実際の問題はありません")],
)
async def test_the_sample_reads_like_an_alert_and_says_what_it_is(language: str, says: str) -> None:
    """In every language it says that nothing is wrong, beside what a real alert about a run says."""
    inbox = Inbox(clock=CLOCK)
    await try_out({"oncall": [inbox]}, SAMPLE, CLOCK, resolve=False)
    [told] = (
        composer(language, console_url="https://monitor.example/").compose(inbox.accepted[0], now=CLOCK.now()).alerts
    )
    assert says in told.summary
    assert told.title == "Drill · Report writer · support"
    assert any("web_search" in line.text for line in told.lines)


# The command

CONFIG = """
projects: {{p: {{api_key: k}}}}
rule_files: []
alerting:
  route: {{receiver: oncall}}
  receivers:
    - name: oncall
      webhook_configs: [{{url: "{url}/hook/secret-path"}}]
    - name: nobody
"""


def run(directory: Path, url: str, *words: str) -> Result:
    """Return what the command does with these words."""
    file = directory / "monitor.yml"
    file.write_text(CONFIG.format(url=url), encoding="utf-8")
    return CliRunner().invoke(commands, ["notify", "test", *words, "--config", str(file)])


@pytest.mark.parametrize("status", [200, 404, 413, 503])
async def test_the_command_sends_over_the_network(status: int, tmp_path: Path) -> None:
    """What the configuration names is asked as the daemon would ask it; the exit code says how it went."""
    async with FakeReceiver() as receiver:
        receiver.replies.append(Reply(status=status))
        result = await asyncio.to_thread(run, tmp_path, receiver.url, "oncall")
    assert result.exit_code == (0 if status == 200 else 1)
    assert result.output.startswith("oncall/webhook[0]: firing ")
    assert "secret-path" not in result.output
    [request] = receiver.requests
    assert request.body["alerts"][0]["labels"]["alertname"] == "Drill"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["oncal"], "did you mean oncall?"),
        ([], "name a receiver, or give --all"),
        (["oncall", "--all"], "name a receiver, or give --all"),
    ],
)
def test_wrong_usage_sends_nothing(words: list[str], says: str, tmp_path: Path) -> None:
    """A receiver that is not there, or none, or too many, is exit code 2."""
    result = run(tmp_path, "http://127.0.0.1:9", *words)
    assert result.exit_code == 2
    assert says in " ".join(result.output.split())
