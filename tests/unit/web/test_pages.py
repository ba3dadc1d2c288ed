"""The pages for people."""

from __future__ import annotations

import shlex
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from monitor.alerting.silences import parse_narrow
from monitor.model.alert import AlertState
from monitor.model.builtin import Builtin
from monitor.model.conversation import App, Vote
from monitor.model.run import Outcome
from monitor.model.stop import StopMode, StopResult, StopState, Verdict
from monitor.notify.alertmanager import Alertmanager
from monitor.store.outbox import Health
from monitor.store.stops import Brake, LogLine
from tests.support.build import START, alert, change, identity, rating, run, stop
from tests.unit.web.conftest import NOW, OFFSET, FakeDaemon

SCRIPT = "<script>alert(1)</script>"
ID = "Q29udmVyc2F0aW9uOjYwNDY=+/%"


class Page(HTMLParser):
    """What a browser makes of a page: its words, links and elements."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)

    @property
    def text(self) -> str:
        """Return all text with single spaces."""
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        values = dict(attrs)
        self.elements.append((tag, values))
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")

    def handle_data(self, data: str) -> None:
        """Remember text."""
        self.words.append(data)


async def _open(web: httpx.AsyncClient, path: str = "/", status: int = 200) -> Page:
    answer = await web.get(path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return Page(answer.text)


async def test_the_console_shows_what_goes_on(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """One look shows runs with ages and limits, alerts, stops, ratings and receivers."""
    labels = {"alertname": "RunOverLimit", "severity": "critical", "team": "bi", "conversation_id": "c1"}
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run()])
        await tx.alerts.put([alert(labels=labels, annotations={"summary": "보고서 작성이 끝나지 않습니다"})])
        await tx.stops.add(
            stop(
                mode=StopMode.SHADOW,
                state=StopState.DONE,
                result=StopResult.SHADOW,
                verdict=Verdict.REGRETTED,
            )
        )
        await tx.ratings.record_changes([change(rating(), previous=Vote.POSITIVE)])
        failing = Health(
            destination="oncall/webhook/0",
            failing_since=NOW - 120,
            attempts=4,
            error="answered 502",
            set_aside_at=NOW - 60,
        )
        await tx.outbox.record_health(failing)
    daemon.rests = {"oncall/webhook/0": NOW + 60}
    shown = (await _open(web)).text
    assert "Report writer 11m 40s" in shown  # 700 s of server time
    assert "1h" in shown
    assert "firing critical RunOverLimit team=bi 보고서 작성이 끝나지 않습니다" in shown
    assert "11m 40s ago c1" in shown
    assert "a stop would have been wrong" in shown
    assert "▼ negative was positive user Report writer c1 10m 40s ago" in shown
    assert "failing since 2m ago , 4 attempts answered 502" in shown
    assert "tried again at 2027-01-15T08:11:00.000Z" in shown
    assert "an alert that it did not take was set aside 1m ago" in shown
    assert "learning: 1 of 10" in shown


async def test_the_console_shows_what_is_held_back(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Each alert says who takes care of it and which silence holds it; silences say why, by whom and until when."""
    known, other = alert(labels={"alertname": "RunOverLimit"}), alert(identity("RunOpen"), labels={"app": "B"})
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([known, other])
    await daemon.on_call.acknowledge(known.fingerprint, by="carol", comment="보고 있음", until=NOW + 3600)
    made = [
        await daemon.on_call.silence(["app=B"], author="alice", comment="점검", starts_at=None, until=NOW + 7200),
        await daemon.on_call.silence(["app=B"], author="bob", comment="later", starts_at=NOW + 60, until=NOW + 120),
        await daemon.on_call.silence(["app=B"], author="dave", comment="x", starts_at=None, until=None),
    ]
    shown = (await _open(web)).text
    assert "acknowledged by carol, 1h more: 보고 있음" in shown
    assert f"muted by silence {made[2].id}" in shown
    assert f'active {made[0].id} app="B" 점검 alice 0s ago 2h from now' in shown
    assert f"pending {made[1].id}" in shown
    assert "dave 0s ago all of it resolved" in shown


async def test_commands_to_copy_fit_their_alert(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """What stands next to an alert that fires can be pasted into a shell, whatever its labels hold."""
    labels = {"alertname": "RunOverLimit", "project": "support", "conversation_id": "a'b \"$(reboot)", "app": "B"}
    fires, over = alert(labels=labels), alert(identity("Over", conversation_id="c1"), state=AlertState.RESOLVED)
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([fires, over])
    page = await _open(web, "/c/support/c1")
    commands = [shlex.split(word) for word in page.words if word.startswith(("alli-monitor ack", "alli-monitor sil"))]
    assert commands[0] == ["alli-monitor", "ack", fires.fingerprint]
    matchers = [str(each) for each in parse_narrow(commands[1][3:5])]
    assert commands[1][:3] == ["alli-monitor", "silence", "add"]
    assert matchers == ['alertname="RunOverLimit"', 'conversation_id="a\'b \\"$(reboot)"']
    assert len(commands) == 2
    assert ("details", {"id": f"a-{fires.fingerprint}"}) in page.elements


async def test_where_alertmanager_holds_back_nothing_is_to_be_copied(
    web: httpx.AsyncClient, daemon: FakeDaemon
) -> None:
    """Where Alertmanager is the only receiver, the console shows no command that it would refuse."""
    endpoint: Any = SimpleNamespace(url=SecretStr("http://am.example:9093/api/v2/alerts"))
    alertmanager = Alertmanager(name="am/0", receiver="am", endpoint=endpoint, clock=daemon.clock)
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([alert()])
    assert "alli-monitor ack" in (await _open(web)).text
    daemon.announcer.integrations["am/0"] = alertmanager
    assert "alli-monitor ack" not in (await _open(web)).text


async def test_an_empty_console_says_something_helpful(web: httpx.AsyncClient) -> None:
    """Where there is nothing to show, the console says what that means."""
    shown = (await _open(web)).text
    assert "No run is going on." in shown
    assert "Nothing is firing." in shown
    assert "In shadow nothing is stopped" in shown
    assert "No rating has changed" in shown
    assert "not used yet" in shown


async def test_a_console_without_rules_and_receivers_says_what_to_set(
    web: httpx.AsyncClient, daemon: FakeDaemon
) -> None:
    """A monitor that can tell nobody of anything says which keys change that."""
    daemon.rule_list, daemon.receiver_names, daemon.project = [], [], {"stop_mode": StopMode.OFF}
    shown = (await _open(web)).text
    assert "set rule_files" in shown
    assert "set alerting.receivers" in shown
    assert "auto_stop.mode" in shown


async def test_a_blind_console_claims_nothing(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """While a project is blind, an empty list of runs is unknown rather than good news."""
    daemon.project = {"runs_completed_at": NOW - 300}
    shown = (await _open(web)).text
    assert "blind" in shown
    assert "It is not known whether anything runs." in shown
    assert "No run is going on." not in shown
    assert "Nothing is firing." not in shown


async def test_a_refused_credential_is_the_first_thing_to_see(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The state of the whole and the project's own line say that the credential is refused."""
    daemon.project = {"auth_error": "401 INVALID_TOKEN"}
    page = await _open(web)
    assert "auth failing" in page.text
    assert "Alli refuses the credential, so nothing is observed: 401 INVALID_TOKEN" in page.text


async def test_firing_alerts_are_counted_in_the_title(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A tab in the background tells how much fires; the watchdog, which always does, is neither shown nor counted."""
    pending = alert(identity("Slow"), state=AlertState.PENDING, fired_at=None)
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([alert(), pending, alert(identity(Builtin.WATCHDOG, project=""))])
    page = await _open(web)
    assert page.text.startswith("(1) healthy · alli-monitor")
    assert "Watchdog" not in page.text


@pytest.mark.parametrize(("severity", "alarming"), [("info", False), ("none", False), ("warning", True), ("p5", True)])
async def test_what_only_informs_alarms_nobody(
    severity: str, web: httpx.AsyncClient, daemon: FakeDaemon, *, alarming: bool
) -> None:
    """The number of firing alerts stands out unless all of them are of no weight; an unknown severity has some."""
    async with daemon.store.transaction() as tx:
        await tx.alerts.put([alert(labels={"severity": severity})])
    page = await _open(web)
    assert (("div", {"class": "bad"}) in page.elements) is alarming


async def test_the_gravest_alerts_come_first(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Firing comes before pending, then severity decides, and what has an unknown severity comes last."""
    order = [("Firing", "critical"), ("Warns", "warning"), ("Odd", "p5"), ("Waits", "critical")]
    async with daemon.store.transaction() as tx:
        for name, severity in reversed(order):
            state = AlertState.PENDING if name == "Waits" else AlertState.FIRING
            await tx.alerts.put([alert(identity(name), labels={"severity": severity}, state=state)])
    shown = (await _open(web)).text
    places = [shown.index(f"{severity} {name}") for name, severity in order]
    assert places == sorted(places)


async def test_names_from_outside_are_escaped_everywhere(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """No name, text or id from outside becomes an element of either page."""
    app = App(id=f'"{SCRIPT}', name=SCRIPT)
    hostile = f'c"{SCRIPT}'
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run(app=app, conversation_id=hostile, id=SCRIPT)])
        labels = {"severity": f'"{SCRIPT}', "team": SCRIPT, "conversation_id": hostile}
        of = identity(SCRIPT, conversation_id=hostile)
        await tx.alerts.put([alert(of, labels=labels, annotations={"summary": SCRIPT})])
        await tx.stops.add(stop(app=app, reason=SCRIPT, conversation_id=hostile))
        await tx.ratings.record_changes([change(rating(SCRIPT, conversation_id=hostile), app=app)])
        await tx.outbox.record_health(Health(destination="oncall/webhook/0", failing_since=1.0, error=SCRIPT))
        await tx.stops.log(
            LogLine(
                project="support",
                stop_id=1,
                conversation_id=hostile,
                at=START,
                own_at=START,
                what=SCRIPT,
                detail=SCRIPT,
            )
        )
    daemon.project = {"auth_error": SCRIPT}
    daemon.missing = SCRIPT
    for path in ("/", f"/c/support/{quote(hostile, safe='')}"):
        page = await _open(web, path)
        assert SCRIPT in page.text
        scripts = [attributes for tag, attributes in page.elements if tag == "script"]
        assert [list(attributes) for attributes in scripts] == [["src", "defer"]]
        assert not any(name.startswith("on") or name == "style" for _, values in page.elements for name in values)


async def test_a_runbook_must_be_a_web_address(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A runbook becomes a link only where following it runs no script."""
    async with daemon.store.transaction() as tx:
        for number, url in enumerate(("https://wiki.example/runs", "javascript:alert(1)", "http://[")):
            await tx.alerts.put([alert(identity(f"A{number}"), annotations={"runbook_url": url})])
    links = (await _open(web)).links
    assert "https://wiki.example/runs" in links
    assert not [link for link in links if "javascript" in link or link.startswith("http://[")]


@pytest.mark.parametrize("id_", [ID, "plain", "a/b", "대화", "?x#y", "a b"])
async def test_the_link_to_a_conversation_leads_to_its_page(
    web: httpx.AsyncClient, daemon: FakeDaemon, id_: str
) -> None:
    """Whatever characters an id holds, its link on the console opens its page, and that page finds its way back."""
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run(conversation_id=id_)])
    console = await web.get("/")
    [link] = [each for each in Page(console.text).links if each.startswith("./c/")]
    assert link.count("/") == 3  # the id is one segment, whatever a proxy makes of slashes
    answer = await web.get(str(console.url.join(link)))
    page = Page(answer.text)
    assert answer.status_code == 200
    assert f"Conversation {id_} " in page.text
    sheet = next(values["href"] for tag, values in page.elements if values.get("rel") == "stylesheet")
    assert str(answer.url.join(sheet or "")) == "http://127.0.0.1:7464/static/console.css"


async def test_an_id_with_a_bare_slash_finds_its_page(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A link that somebody typed without encoding works as well, its style sheet included."""
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run(conversation_id="a/b+c==")])
    answer = await web.get("/c/support/a/b+c==")
    assert answer.status_code == 200
    assert 'href="../../../static/console.css"' in answer.text


async def test_the_page_of_a_conversation_tells_its_story(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Runs, alerts, ratings, stops and every line of their audit are there, and nothing of other conversations."""
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run(ended_at=START + 90, outcome=Outcome.STOPPED), run(id="x", conversation_id="c9")])
        await tx.alerts.put([alert(), alert(identity("Elsewhere", conversation_id="c9"))])
        await tx.ratings.put([rating()])
        await tx.ratings.record_changes([change()])
        stopped = stop(state=StopState.DONE, result=StopResult.STOPPED, reason="seen to end", requests=1)
        await tx.stops.add(stopped)
        for project, what in (("support", "requested"), ("another", "not ours")):
            line = LogLine(
                project=project, stop_id=1, conversation_id="c1", at=START, own_at=START, what=what, detail="attempt 1"
            )
            await tx.stops.log(line)
    shown = (await _open(web, "/c/support/c1")).text
    assert "stopped Report writer" in shown
    assert "1m 30s" in shown
    assert "RunOverLimit" in shown
    assert "▼ negative : 1" in shown
    assert "stopped enforce seen to end 1 request" in shown
    assert "2027-01-15T08:00:00.000Z requested attempt 1" in shown
    assert "Elsewhere" not in shown
    assert "not ours" not in shown


async def test_an_unknown_conversation_is_a_page_that_says_so(web: httpx.AsyncClient) -> None:
    """A link to what was forgotten or never observed explains itself."""
    page = await _open(web, "/c/support/nothing", status=404)
    assert "Nothing is known about this conversation." in page.text


async def test_a_conversation_of_an_unknown_project_is_not_found(web: httpx.AsyncClient) -> None:
    """A project that is not watched has no pages."""
    answer = await web.get("/c/elsewhere/c1")
    assert (answer.status_code, answer.text) == (404, "there is no project 'elsewhere'\n")


async def test_pages_load_nothing_from_elsewhere(web: httpx.AsyncClient) -> None:
    """Every resource of a page comes from the daemon itself and is there."""
    page = await _open(web)
    sources = [values.get("src") or values.get("href") for tag, values in page.elements if tag in {"script", "link"}]
    assert len(sources) == 3
    for source in sources:
        assert (await web.get(f"/{(source or '').removeprefix('./')}")).status_code == 200


async def test_long_lists_are_cut_and_say_so(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """The console shows the hundred oldest runs and where the others are."""
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run(id=str(n), conversation_id=f"c-{n}", estimate_since=START + n) for n in range(103)])
    page = await _open(web)
    assert "3 younger ones in" in page.text
    assert page.text.count("Report writer") == 100
    assert "c-0 " in page.text
    assert "c-102 " not in page.text


async def test_a_run_past_its_limit_stands_out(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Only a run that is older than its limit is marked, and a full meter goes no further."""
    async with daemon.store.transaction() as tx:
        await tx.runs.put([run(estimate_since=NOW + OFFSET - 7200), run(id="y", conversation_id="c2")])
    page = await _open(web)
    assert [values.get("class") for tag, values in page.elements if tag == "tr"].count("over") == 1
    values = [values["value"] for tag, values in page.elements if tag == "meter"]
    assert values == ["3600.0", "700.0"]


async def test_a_database_that_fails_is_said_to_fail(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """Without its database the daemon answers 503 with the reason, and its probes still answer."""
    async with daemon.store._engine.begin() as connection:
        await connection.execute(text("DROP TABLE runs"))
    answer = await web.get("/")
    assert answer.status_code == 503
    assert "the database failed" in answer.text
    assert (await web.get("/-/healthy")).status_code == 200


async def test_the_console_shows_what_holds_stops_back(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A pause and a protection are on the console, with whoever set them, as text."""
    pause = Brake(kind="pause", project="", target=SCRIPT, until=None, set_at=NOW - 60, set_by="alice")
    protect = Brake(kind="protect", project="support", target=ID, until=NOW + 3600, set_at=NOW - 60, set_by="bob")
    async with daemon.store.transaction() as tx:
        await tx.stops.set_brake(pause)
        await tx.stops.set_brake(protect)
    shown = (await _open(web)).text
    assert f"paused apps {SCRIPT} alice 1m ago resumed" in shown
    assert f"protected conversation {ID} of support bob 1m ago 1h from now" in shown


async def test_a_conversation_shows_who_stopped_it(web: httpx.AsyncClient, daemon: FakeDaemon) -> None:
    """A stop by hand names the person beside its mode."""
    async with daemon.store.transaction() as tx:
        await tx.stops.add(stop(fingerprint="", asked_by="alice"))
    assert "manual by alice" in (await _open(web, "/c/support/c1")).text
