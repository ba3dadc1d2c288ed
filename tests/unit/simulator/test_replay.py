"""Recordings played back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from monitor.cli import commands
from monitor.errors import ConfigError
from monitor.simulator.recording import load_recording
from monitor.simulator.replay import replay_app
from tests.support.clock import ManualClock

LIST = "/webapi/v2/conversations"
DAY = 86_400
ASKED_AT = 1_790_000_000.0


class Recording:
    """A recording that a test writes, and a client that asks its playback a month later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self._count = 0

    def add(
        self, operation: str, path: str, params: Mapping[str, str | list[str]] | None = None, **fields: Any
    ) -> None:
        """Add an answer to the project support, by default a good one in JSON."""
        self._count += 1
        exchange = {"operation": operation, "method": "GET", "path": path, "params": params or {}, "status": 200}
        exchange |= {"content_type": "application/json", "date": None, "asked_at": ASKED_AT} | fields
        self.write(f"{self._count:03}-{operation}.json", json.dumps(exchange, indent=2))

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder of the project support."""
        (self.folder / "support").mkdir(exist_ok=True)
        (self.folder / "support" / name).write_text(text, encoding="utf-8")

    def client(self) -> httpx.AsyncClient:
        """Return a client of the playback."""
        transport = httpx.ASGITransport(replay_app(load_recording(self.folder), self.clock))
        return httpx.AsyncClient(transport=transport, base_url="http://alli.test/support")


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Give an empty recording."""
    return Recording(tmp_path)


async def test_an_answer_as_it_was(recording: Recording) -> None:
    """An answer comes back with its status, type, body and Date; without a recorded Date it has none."""
    date = "Mon, 21 Sep 2026 14:13:20 GMT"
    recording.add("get_conversation", f"{LIST}/Q2hhdA%3D%3D", body={"id": "Q2hhdA==", "title": "일"}, date=date)
    recording.add("get_running", f"{LIST}/x/running", status=403, content_type="text/html", text="<title>No</title>")
    recording.add("stop_conversation", f"{LIST}/x/stop", method="POST", content_type=None, text="")
    async with recording.client() as client:
        found = await client.get(f"{LIST}/Q2hhdA%3D%3D")
        assert (found.status_code, found.json()) == (200, {"id": "Q2hhdA==", "title": "일"})
        assert (found.headers["content-type"], found.headers["date"]) == ("application/json", date)
        refused = await client.get(f"{LIST}/x/running")
        assert (refused.status_code, refused.text) == (403, "<title>No</title>")
        assert refused.headers["content-type"] == "text/html"
        assert "date" not in refused.headers
        stopped = await client.post(f"{LIST}/x/stop")
        assert (stopped.status_code, stopped.content) == (200, b"")
        assert "content-type" not in stopped.headers


async def test_null_is_a_body(recording: Recording) -> None:
    """A recorded null is JSON, and not an answer without a body."""
    recording.add("get_running", f"{LIST}/x/running", body=None)
    async with recording.client() as client:
        assert (await client.get(f"{LIST}/x/running")).content == b"null"


async def test_the_same_path_and_parameters_first(recording: Recording) -> None:
    """Among the answers of an operation that of the same path and parameters is played, repeated keys included."""
    params: list[dict[str, str | list[str]]] = [
        {"pageSize": "50"},
        {"pageSize": "50", "backgroundRunning": "true"},
        {"pageSize": "50", "backgroundRunning": "false"},
        {"pageSize": "50", "cursor": "opaque-1"},
        {"pageSize": "50", "userIds": ["a", "b"]},
    ]
    for number, each in enumerate(params):
        recording.add("list_conversations", LIST, each, body=number)
    recording.add("get_conversation", f"{LIST}/x", body="x")
    recording.add("get_conversation", f"{LIST}/y", body="y")
    async with recording.client() as client:
        assert [(await client.get(LIST, params=each)).json() for each in params] == [0, 1, 2, 3, 4]
        assert [(await client.get(f"{LIST}/{each}")).json() for each in "yxy"] == ["y", "x", "y"]


async def test_the_closest_parameters_otherwise(recording: Recording) -> None:
    """What was not asked exactly so gets the closest answer of its operation; a page of a walk is not the first one."""
    recording.add("list_conversations", LIST, {"order": "A", "cursor": "opaque-1"}, body="second page")
    recording.add("list_conversations", LIST, {"order": "B", "pageSize": "50"}, body="first page")
    recording.add("list_conversations", LIST, {"order": "B", "startedAt": "1789913600000"}, body="filtered")
    recording.add("get_conversation", f"{LIST}/x", body="x")
    async with recording.client() as client:
        asked = [
            {"order": "A", "pageSize": "50"},
            {"order": "B", "pageSize": "50", "activeOnly": "true"},
            {"cursor": "opaque-1"},
        ]
        answers = [(await client.get(LIST, params=each)).json() for each in asked]
        assert answers == ["first page", "first page", "second page"]
        filtered = {"order": "B", "startedAt": "1789913600001"}
        assert (await client.get(LIST, params=filtered)).json() == "filtered"
        assert (await client.get(f"{LIST}/unknown")).json() == "x"


async def test_times_of_one_unit(recording: Recording) -> None:
    """A time filter finds the answer to one in its own unit, and the very same time that of itself."""
    for number, text in enumerate(("1789900000", "1789900000000", "1789990000000", "1789900010")):
        recording.add("list_conversations", LIST, {"startedAt": text}, body=number)
    async with recording.client() as client:
        texts = ("1789900010", "1789900010", "1789900000", "1789900000123", "1789990000.5e3")
        answers = [(await client.get(LIST, params={"startedAt": text})).json() for text in texts]
        assert answers == [3, 3, 0, 1, 2]


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000])
async def test_times_are_compared_by_age(recording: Recording, unit: int) -> None:
    """A time filter finds the answer to a filter of the same age, whenever it is asked; nonsense is no crash."""
    for name, age in (("day", DAY), ("hour", 3600), ("future", -1000 * DAY)):
        recording.add("list_conversations", LIST, {"startedAt": str(round((ASKED_AT - age) * unit))}, body=name)
    async with recording.client() as client:
        for name, age in (("hour", 3610), ("future", -990 * DAY), ("day", DAY - 300)):
            asked = {"startedAt": f"{(recording.clock.now() - age) * unit:.3f}"}
            assert (await client.get(LIST, params=asked)).json() == name
        for text in ("nan", "-inf", "1e400", "soon", ""):
            assert (await client.get(LIST, params={"startedAt": text})).status_code == 200


async def test_what_was_asked_again(recording: Recording) -> None:
    """Answers to the same question come in the order of the recording, and then always the last one."""
    for running in (True, True, False):
        recording.add("get_running", f"{LIST}/x/running", body={"isRunning": running})
    async with recording.client() as client:
        answers = [(await client.get(f"{LIST}/x/running")).json()["isRunning"] for _ in range(5)]
    assert answers == [True, True, False, False, False]


async def test_what_was_never_recorded(recording: Recording, tmp_path: Path) -> None:
    """An operation without an answer, another path and another project are 404; the probe for health works."""
    recording.add("list_conversations", LIST, body={})
    async with recording.client() as client:
        for url in (f"{LIST}/x", "/nowhere", f"http://alli.test/other{LIST}"):
            response = await client.get(url)
            assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})
        assert (await client.delete(LIST)).status_code == 405
        assert (await client.get("http://alli.test/-/healthy")).text == "OK\n"


def test_no_recording(tmp_path: Path) -> None:
    """A folder that is missing or holds no answers is an error that names it."""
    with pytest.raises(ConfigError, match=r"gone: cannot read the recording: No such file"):
        load_recording(tmp_path / "gone")
    (tmp_path / "support").mkdir()
    with pytest.raises(ConfigError, match="there is no recording"):
        load_recording(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a recorded answer"),
        ('{"operation": "list_chats"}', "missing required field `method`"),
        (
            '{"operation": "guess", "method": "GET", "path": "/", "params": {}, "status": 200, "asked_at": 1}',
            "no operation 'guess' is known",
        ),
    ],
)
def test_a_broken_file(recording: Recording, text: str, message: str) -> None:
    """A file that is no recorded answer is an error that names it."""
    recording.write("001-list_chats.json", text)
    with pytest.raises(ConfigError, match=rf"001-list_chats\.json: .*{message}"):
        load_recording(recording.folder)


def test_a_scenario_or_a_recording(recording: Recording) -> None:
    """The command plays a script or a recording, not both, and tells of a recording that is not there."""
    recording.add("list_conversations", LIST, body={})
    both = ["simulate", "--scenario", "world.yaml", "--replay", str(recording.folder)]
    assert CliRunner().invoke(commands, both).exit_code == 2
    missing = CliRunner().invoke(commands, ["simulate", "--replay", str(recording.folder / "support")])
    assert isinstance(missing.exception, ConfigError)
