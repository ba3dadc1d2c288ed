from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor import logs

SECRET = 'zq9"zq9\\zq9/é'  # noqa: S105 - made up
LOG = structlog.get_logger("monitor.test")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Undo what a test does to the process: loggers, their levels, and what is hidden."""
    root, ours, hidden = logging.getLogger(), logging.getLogger("monitor"), list(logs._hidden)
    handlers, level, our_level = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(our_level)
    logs._hidden[:] = hidden
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def stream() -> io.StringIO:
    """Log as JSON into the stream that is returned."""
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    return stream


def _events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_writes_one_line_of_json_for_an_event(stream: io.StringIO) -> None:
    """An event is a line with time in UTC, level, event, logger and what else was said."""
    LOG.info("run began", project="support", age=1.5, ids=("a", "b"))
    (event,) = _events(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event.pop("timestamp"))
    assert event == {
        "level": "info",
        "event": "run began",
        "logger": "monitor.test",
        "project": "support",
        "age": 1.5,
        "ids": ["a", "b"],
    }


def test_writes_records_of_the_standard_library_alike(stream: io.StringIO) -> None:
    """What other libraries log has the same form."""
    logging.getLogger("uvicorn.error").warning("Slow %s", "server")
    (event,) = _events(stream)
    assert (event["event"], event["level"], event["logger"]) == ("Slow server", "warning", "uvicorn.error")


def test_keeps_to_the_level(stream: io.StringIO) -> None:
    """Events below the level are not written, whoever logs them."""
    LOG.debug("quiet")
    logging.getLogger("other").debug("quiet")
    assert stream.getvalue() == ""
    logs.configure("debug", "json", stream)
    LOG.debug("heard")
    assert [event["event"] for event in _events(stream)] == ["heard"]


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "aiosqlite", "uvicorn.access", "another"])
def test_overlooks_what_libraries_tell(
    stream: io.StringIO, name: str, level: Literal["debug", "info", "warning"]
) -> None:
    """Whatever the level, libraries are heard from a warning on: they tell of statements, values and all."""
    logs.configure(level, "json", stream)
    for each in (logging.DEBUG, logging.INFO):
        logging.getLogger(name).log(each, "did something")
    logging.getLogger(name).warning("trouble")
    assert [event["event"] for event in _events(stream)] == ["trouble"]


def test_configuring_again_replaces(stream: io.StringIO) -> None:
    """After a second configuration events go to the second stream only, once."""
    second = io.StringIO()
    logs.configure("info", "json", second)
    LOG.info("hello")
    assert stream.getvalue() == ""
    assert len(_events(second)) == 1


@pytest.mark.parametrize(("stream", "is_json"), [(_Terminal(), False), (io.StringIO(), True)])
def test_auto_is_for_people_on_a_terminal(stream: io.StringIO, *, is_json: bool) -> None:
    """The form follows from where the output goes."""
    logs.configure("info", "auto", stream)
    LOG.info("hello")
    assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize("form", ["json", "console"])
def test_hides_secrets_wherever_they_are(form: Any) -> None:
    """A secret is masked in events, values, keys, exceptions and formatted records, also when quoted or escaped."""
    stream = io.StringIO()
    logs.configure("info", form, stream)
    logs.hide(SECRET)
    LOG.info(SECRET, url=f"http://x/{SECRET}", deep={"list": [{SECRET: (SECRET,)}]}, error=ValueError(SECRET))
    LOG.info("quoted", url="http://x/zq9%22zq9%5Czq9%2F%C3%A9", shown=repr([SECRET]), encoded=json.dumps(SECRET))
    logging.getLogger("library").warning("sent %s", {"header": SECRET})
    try:
        raise RuntimeError(SECRET)  # noqa: TRY301 - the traceback is wanted
    except RuntimeError:
        LOG.exception("failed")
        logging.getLogger("library").exception("failed")
    assert "zq9" not in stream.getvalue()
    assert stream.getvalue().count("***") >= 10


def test_hides_what_its_key_calls_secret(stream: io.StringIO) -> None:
    """A value whose key says that it is secret is masked, even one that nobody registered."""
    LOG.info("x", api_key="a", headers={"API-KEY": "b", "Authorization": "c", "Accept": "d"}, token=None)
    (event,) = _events(stream)
    assert event["api_key"] == "***"
    assert event["headers"] == {"API-KEY": "***", "Authorization": "***", "Accept": "d"}
    assert event["token"] is None


def test_hides_the_longer_of_two_secrets_first(stream: io.StringIO) -> None:
    """A secret that begins with another leaves no rest."""
    logs.hide("abc")
    logs.hide("abcdef")
    logs.hide("")
    LOG.info("abcdef abc")
    assert _events(stream)[0]["event"] == "*** ***"


def test_writes_an_exception_into_its_line(stream: io.StringIO) -> None:
    """The traceback is a value of the event, so that it stays one line."""
    try:
        raise ValueError("one\ntwo")  # noqa: TRY301 - the traceback is wanted
    except ValueError:
        LOG.exception("failed")
    (event,) = _events(stream)
    assert event["exception"].endswith("ValueError: one\ntwo")


def test_a_traceback_for_people_cannot_pass_for_an_event() -> None:
    """On the console each line of a traceback is indented, whatever line breaks the message holds."""
    stream = io.StringIO()
    logs.configure("info", "console", stream)
    try:
        raise ValueError("one\n2026-01-01 [info] fake\u2028fake\x1b[2J")  # noqa: TRY301 - the traceback is wanted
    except ValueError:
        LOG.exception("failed")
    first, *rest = stream.getvalue().splitlines()
    assert "failed" in first
    assert len(rest) >= 4
    assert all(line.startswith("    ") and line.isprintable() for line in rest)


class _Odd:
    def __str__(self) -> str:
        return "odd\nvalue"


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.just(_Odd())),
    lambda inner: st.one_of(st.lists(inner), st.sets(st.text()), st.dictionaries(st.text(), inner)),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters()), value=VALUES, foreign=st.booleans())
@pytest.mark.parametrize("form", ["json", "console"])
def test_an_event_is_one_line_whatever_it_holds(form: Any, text: str, value: object, *, foreign: bool) -> None:
    """Line breaks, control characters, lone surrogates and odd objects neither break a line nor lose it."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    logs.configure("info", form, stream)
    if foreign:
        logging.getLogger("library").warning("%s %s", text, value)
    else:
        LOG.info(text, value=value, **{f"key {text}": text})
    stream.flush()
    (line,) = stream.buffer.getvalue().decode().splitlines()
    assert line.isprintable()
    if form == "json":
        json.loads(line, parse_constant=pytest.fail)


def test_a_terminal_that_knows_ascii_only_gets_every_event() -> None:
    """What the output cannot show is escaped rather than lost."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    logs.configure("info", "console", stream)
    LOG.info("앱")
    stream.flush()
    assert b"\\uc571" in stream.buffer.getvalue()


def test_an_event_that_cannot_be_written_is_not_shown_elsewhere(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """When logging itself fails, stderr learns of it, and of nothing that was to be logged."""
    logs.hide(SECRET)
    stream.close()
    LOG.info(SECRET)
    assert capsys.readouterr().err == "cannot log an event of monitor.test: ValueError\n"
