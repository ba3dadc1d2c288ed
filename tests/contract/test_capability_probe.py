from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.alli.client import ApiKey, Client
from monitor.alli.pacing import Pacer
from monitor.cli.recording import Recording
from monitor.cycle.capability import CapabilityCycle
from monitor.errors import ApiAuthError, ApiUnavailable
from monitor.model.capabilities import Capabilities, ChatOrder, Proof
from monitor.simulator.entities import Conversation, RunPlan
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.options import DailyCount, Missing, Novelty, Options, TimeUnit
from monitor.simulator.recording import load_recording
from monitor.simulator.replay import replay_app
from monitor.simulator.server import app
from monitor.simulator.world import World
from monitor.tracking.capabilities import FIELDS, judge
from monitor.tracking.capability_report import degradations, report
from monitor.watch.probe import probe
from tests.support.clock import ManualClock
from tests.support.rig import PROJECT, open_rig
from tests.unit.alli.kit import START, Recorder

RUN_OVER_LIMIT = """
- alert: RunOverLimit
  on: run
  expr: run.age > run.limit
  actions: [{stop: {}}]
"""


class Site:
    """A simulated project in which three of eight conversations run, and a client that may be watched."""

    def __init__(
        self, *, chats: int = 3, conversations: int = 8, api_key: str = "simulated-key", **options: Any
    ) -> None:
        self.clock = ManualClock(START)
        self.world = World(self.clock, Options(**options))
        self.telemetry = Recorder()
        self._api_key = api_key
        report_app, user = self.world.add_app("Report"), self.world.add_user("u-1")
        for number in range(conversations):
            conversation = self.world.add_conversation(app=report_app, user=user)
            self._talk(conversation, chats)
            if number < 3:
                self.world.start_run(conversation.id, RunPlan())
        self.clock.advance(30)

    def _talk(self, conversation: Conversation, chats: int) -> None:
        for number in range(chats):
            self.clock.advance(60)
            self.world.add_chat(conversation.id, "BOT" if number % 2 else "USER", f"message {number}")

    async def probe(self, application: Any = None, base_url: str = "https://alli.test", **client: Any) -> Capabilities:
        """Probe the project, or whatever else `application` is."""
        return judge(await probe(self.client(application, base_url, **client)))

    def client(self, application: Any = None, base_url: str = "https://alli.test", **options: Any) -> Client:
        """Return a client that calls the simulator without a network."""
        return Client(
            project="support",
            base_url=base_url,
            credential=ApiKey(self._api_key),
            http=httpx.AsyncClient(transport=httpx.ASGITransport(application or app(self.world))),
            clock=self.clock,
            pacer=Pacer(requests_per_minute=6000, max_in_flight=4, clock=self.clock),
            telemetry=self.telemetry,
            **options,
        )


def verdicts(found: Capabilities) -> dict[str, Proof]:
    """Return the verdicts of the report."""
    return {line.name: line.verdict for line in report(found)}


# The probe


async def test_a_server_as_documented_can_do_everything_in_ten_requests() -> None:
    """Each open question is answered, in few requests, and nothing that the probe asks counts as drift."""
    site = Site()
    found = await site.probe()
    assert set(verdicts(found).values()) == {Proof.WORKS}, report(found)
    assert (found.time_unit, found.filter_unit, found.embeds) == ("ms", "ms", 4)
    assert (found.chat_order, found.missing) == (ChatOrder.OLDEST_FIRST, "404 Not Found")
    assert found.clock_offset == pytest.approx(0, abs=1)
    assert len(site.telemetry.requests) == 10
    assert not site.telemetry.drifts


@pytest.mark.parametrize("unit", list(TimeUnit))
@pytest.mark.parametrize("filter_unit", [TimeUnit.MILLISECONDS, TimeUnit.SECONDS])
async def test_units_are_found_whatever_they_are(unit: TimeUnit, filter_unit: TimeUnit) -> None:
    """The unit of answers and that of filters are told apart."""
    found = await Site(time_unit=unit, filter_unit=filter_unit).probe()
    assert (found.time_unit, found.unit_agrees) == (unit.value, Proof.WORKS)
    assert (found.filter_unit, found.time_filter) == (filter_unit.value, Proof.WORKS)


@pytest.mark.parametrize(
    ("options", "failing"),
    [
        ({"ignored_parameters": frozenset({"startedAt"})}, "time filters"),
        ({"ignored_parameters": frozenset({"backgroundRunning"})}, "running filter"),
        ({"embed": 0}, "embedded chats"),
        ({"embed": 1}, "embedded chats"),
        ({"date_header": False}, "clock"),
        ({"daily_count": DailyCount.FORBIDDEN}, "daily count"),
        ({"daily_count": DailyCount.BODY_DROPPED}, "daily count"),
    ],
)
async def test_what_a_server_cannot_do_fails_alone(options: dict[str, Any], failing: str) -> None:
    """A server that departs in one thing fails in the line about it and in no other."""
    found = verdicts(await Site(**options).probe())
    assert [name for name, verdict in found.items() if verdict is Proof.FAILS] == [failing]


@pytest.mark.parametrize(
    "options",
    [
        {"result_wrapper": True},
        {"novelties": frozenset(Novelty)},
        {"clock_offset": 3600.0},
        {"endless_cursor": True},
        {"nulls": frozenset({"Conversation.user", "Conversation.llmApp", "Chat.type"})},
        {"lacks": frozenset({"Chat.type", "Conversation.memo"})},
    ],
)
async def test_what_does_not_matter_fails_nothing(options: dict[str, Any]) -> None:
    """Wrappers, new fields, nulls and another clock are no reason to degrade."""
    found = await Site(**options).probe()
    assert set(verdicts(found).values()) == {Proof.WORKS}, report(found)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (Missing.NOT_FOUND, "404 Not Found"),
        (Missing.BAD_REQUEST, "400 INVALID_REQUEST"),
        (Missing.FORBIDDEN, "403 Forbidden"),
        (Missing.ERRORS, "200 Object does not exist."),
    ],
)
async def test_the_answer_about_a_missing_id_is_learnt(missing: Missing, expected: str) -> None:
    """However a server says that there is no such conversation, it is written down."""
    found = await Site(missing=missing).probe()
    assert found.missing is not None
    assert found.missing.startswith(expected)


async def test_the_order_of_embedded_chats_is_found() -> None:
    """A server that shows the newest chat first is seen to."""
    assert (await Site(embed_newest_first=True).probe()).chat_order is ChatOrder.NEWEST_FIRST


async def test_a_stale_running_filter_is_not_proven() -> None:
    """A list that still shows as running what /running denies proves nothing, and fails nothing."""
    site = Site(running_filter_lag=300.0)
    for conversation in list(site.world.conversations.values()):
        if conversation.run is not None:
            site.clock.advance(600)
            site.world.stop(conversation.id)
    found = await site.probe()
    assert found.running_filter is Proof.UNPROVEN


async def test_an_empty_project_is_no_failure() -> None:
    """Of an empty project nothing fails; what needs no conversation is proven all the same."""
    found = await Site(conversations=0).probe()
    proven = {name for name, verdict in verdicts(found).items() if verdict is not Proof.UNPROVEN}
    assert proven == {"missing id", "daily count", "clock"}
    assert degradations(found) == {}


async def test_a_refused_key_ends_the_probe() -> None:
    """A 401 on the first request is about the credential, and nothing more is asked."""
    site = Site(api_key="wrong")
    with pytest.raises(ApiAuthError):
        await site.probe()
    assert len(site.telemetry.requests) == 1


async def test_a_step_that_fails_leaves_only_its_own_question_open() -> None:
    """While one operation is down, everything else is still learnt, and the report says why that one is not."""
    site = Site()
    site.world.faults.add(Fault(kind=FaultKind.ERROR, status=500, operations=frozenset({"list_chats"})))
    found = await site.probe()
    open_ = {name for name, verdict in verdicts(found).items() if verdict is not Proof.WORKS}
    assert open_ == {"chat pages"}
    assert "500" in found.remarks["chat pages"]


# A recording


@pytest.mark.parametrize(
    "options",
    [{}, {"filter_unit": TimeUnit.SECONDS, "embed": 1, "missing": Missing.ERRORS}, {"time_unit": TimeUnit.SECONDS}],
)
async def test_a_recording_gives_the_same_report(tmp_path: Path, options: dict[str, Any]) -> None:
    """What --record keeps of a server, played back, can and cannot do what the server could, to the word."""
    site = Site(**options)
    original = await site.probe(witness=Recording(tmp_path / "support"))
    replayed = await site.probe(replay_app(load_recording(tmp_path), site.clock), "https://alli.test/support")
    assert report(replayed) == report(original)


async def test_a_recording_names_nobody(tmp_path: Path) -> None:
    """No id, name, message or key of the project stands in any file, and the files are for their owner alone."""
    site = Site()
    await site.probe(witness=Recording(tmp_path / "support"))
    files = sorted((tmp_path / "support").iterdir())
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    private = {"simulated-key", "alli.test", "Report", "message 1", "u-1", *site.world.conversations, *site.world.chats}
    assert [word for word in private if word in text] == []
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "support").stat().st_mode & 0o777 == 0o700
    assert files[0].name == "001-list_conversations.json"
    assert json.loads(files[0].read_text(encoding="utf-8"))["params"]["pageSize"] == "50"


# The cycle


@asynccontextmanager
async def cycle(directory: Path, **options: Any) -> AsyncIterator[tuple[Any, CapabilityCycle]]:
    """Yield a rig with a conversation in it, and the capability cycle of its project."""
    async with open_rig(directory, rules=RUN_OVER_LIMIT, options=Options(**options)) as rig:
        rig.talk()
        yield rig, CapabilityCycle(rig.project)


def told(rig: Any) -> list[Any]:
    """Return the log lines about capabilities."""
    return [line for line in rig.logs if line["event"] == "capabilities"]


async def test_a_probe_is_stored_told_once_and_acted_on(tmp_path: Path) -> None:
    """The client writes filters in the unit that was found, the first report is logged whole, and no second one."""
    async with cycle(tmp_path, filter_unit=TimeUnit.SECONDS) as (rig, capability):
        assert capability.due()
        await capability.probe()
        assert rig.project.capabilities.filter_unit == rig.client.capabilities.filter_unit == "s"
        [line] = told(rig)
        assert len(line.keys() & {name.replace(" ", "_") for name in FIELDS}) == len(FIELDS)
        await capability.probe()
        assert len(told(rig)) == 1


async def test_a_restart_acts_on_what_was_found_before(tmp_path: Path) -> None:
    """Before its own first probe, a daemon goes by that of the last one, of the same server only."""
    async with cycle(tmp_path, filter_unit=TimeUnit.SECONDS) as (rig, capability):
        await capability.probe()
        found = rig.project.capabilities
        await rig.restart()
        await CapabilityCycle(rig.project).load()
        assert rig.project.capabilities == found
        assert rig.project.capabilities.remarks == found.remarks
        async with rig.store.snapshot() as tx:
            assert await tx.capabilities.get(PROJECT, "https://other.test") is None


async def test_a_change_is_told_in_one_line(tmp_path: Path) -> None:
    """When a server begins to ignore a filter, the log names that and nothing else."""
    async with cycle(tmp_path) as (rig, capability):
        await capability.probe()
        rig.rewrite = lambda path, body: {**body, "conversations": []} if "startedAt" in path else body
        await capability.probe()
        [_, line] = told(rig)
        assert line["time_filters"].startswith("fails")
        assert line.keys() & {name.replace(" ", "_") for name in FIELDS} == {"time_filters"}


async def test_probes_are_daily_and_soon_after_drift(tmp_path: Path) -> None:
    """A day passes between two probes, or ten minutes when an answer stopped fitting, once a day for each kind."""
    async with cycle(tmp_path) as (rig, capability):
        await capability.probe()
        rig.clock.advance(3600)
        assert not capability.due()
        capability.drifted("bad_row")
        assert capability.due()
        await capability.probe()
        capability.drifted("bad_row")
        rig.clock.advance(3600)
        assert not capability.due()
        capability.drifted("time_unit")
        assert capability.due()
        await capability.probe()
        rig.clock.advance(86400)
        assert capability.due()
        await capability.probe()
        capability.drifted("bad_row")
        rig.clock.advance(599)
        assert not capability.due()
        rig.clock.advance(1)
        assert capability.due()


async def test_time_filters_that_could_not_be_tried_are_tried_soon(tmp_path: Path) -> None:
    """In a project without a conversation the next probe comes after ten minutes, and then after a day."""
    async with open_rig(tmp_path, rules=RUN_OVER_LIMIT) as rig:
        capability = CapabilityCycle(rig.project)
        await capability.probe()
        rig.clock.advance(600)
        assert capability.due()
        rig.talk()
        rig.clock.advance(10)
        await capability.probe()
        assert rig.project.capabilities.time_filter is Proof.WORKS
        rig.clock.advance(86_399)
        assert not capability.due()


@pytest.mark.parametrize("embed", [0, 20])
@pytest.mark.parametrize("unit", [TimeUnit.SECONDS, TimeUnit.MILLISECONDS])
async def test_time_filters_are_tried_without_the_time_of_the_last_chat(unit: TimeUnit, embed: int) -> None:
    """Where rows do not tell when their last chat was, times of chats or of the conversation do."""
    nulls = frozenset({"Conversation.lastChatTime"})
    found = await Site(embed=embed, filter_unit=unit, nulls=nulls).probe()
    assert (found.time_filter, found.filter_unit) == (Proof.WORKS, unit.value)


async def test_a_probe_that_fails_changes_nothing_and_is_tried_again(tmp_path: Path) -> None:
    """What is known stays known while the server is down; a minute later it is asked again."""
    async with cycle(tmp_path) as (rig, capability):
        await capability.probe()
        found = rig.project.capabilities

        def down(_method: str, _path: str) -> None:
            raise httpx.ConnectError("down")

        rig.before_request = down
        with pytest.raises(ApiUnavailable):
            await capability.probe()
        assert rig.project.capabilities == found
        assert not capability.due()
        rig.clock.advance(60)
        assert capability.due()


async def test_what_degrades_fires_an_alert_that_says_what_to_do(tmp_path: Path) -> None:
    """A running filter that is ignored fires MonitorDegraded, and it resolves when the server does better."""
    async with cycle(tmp_path) as (rig, capability):
        rig.talk()
        rig.world.options = Options(ignored_parameters=frozenset({"backgroundRunning"}))
        await capability.probe()
        await rig.polls.health.evaluate()
        [alert] = await rig.open_alerts("MonitorDegraded")
        assert "backgroundRunning" in alert.annotations["summary"]
        rig.world.options = Options()
        rig.start_run()
        await capability.probe()
        await rig.polls.health.evaluate()
        assert await rig.open_alerts("MonitorDegraded") == []
