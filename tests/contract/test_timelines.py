"""What is told when, on virtual time, in the situations that on-call people meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.timeline import Timeline, check

TWO = {
    "routes": [
        {"receiver": "chat", "matchers": ['alertname=~".+"'], "continue": True},
        {"receiver": "oncall", "matchers": ['alertname=~".+"']},
    ]
}
NIGHT = {
    "time_intervals": [{"name": "early", "time_intervals": [{"times": [{"start_time": "08:00", "end_time": "08:05"}]}]}]
}
"""START is 08:00 UTC."""
MUTED = {"routes": [{"receiver": "oncall", "matchers": ['alertname="Run"'], "mute_time_intervals": ["early"]}]}
ACTIVE = {"routes": [{"receiver": "oncall", "matchers": ['alertname="Run"'], "active_time_intervals": ["early"]}]}
INHIBIT = {
    "inhibit_rules": [
        {"source_matchers": ['alertname="Blind"'], "target_matchers": ['alertname="Run"'], "equal": ["project"]}
    ]
}

TIMELINES = {
    # The rhythm
    "an alert waits for company": Timeline(does="0 fire a\n4 fire b\n", tells="10 oncall a+ b+"),
    "company after the first notification waits for the interval": Timeline(
        does="0 fire a\n15 fire b", tells="10 oncall a+\n70 oncall a+ b+"
    ),
    "a resolve waits for the interval": Timeline(does="0 fire a\n20 resolve a", tells="10 oncall a+\n70 oncall a-"),
    "an alert that is over before anybody was told is told, as both": Timeline(
        does="0 fire a\n5 resolve a", tells="10 oncall a+ a-"
    ),
    "a flap before the first notification keeps every transition": Timeline(
        does="0 fire a\n3 resolve a\n6 fire a", tells="10 oncall a+ a- a+"
    ),
    "a flap between two ticks keeps every transition": Timeline(
        does="0 fire a\n20 resolve a\n30 fire a\n40 resolve a", tells="10 oncall a+\n70 oncall a- a+ a-"
    ),
    "a group whose alerts are over begins anew": Timeline(
        does="0 fire a\n20 resolve a\n200 fire b", tells="10 oncall a+\n70 oncall a-\n210 oncall b+"
    ),
    "what still fires is repeated": Timeline(
        does="0 fire a", tells="10 oncall a+\n310 oncall a+", route={"repeat_interval": "5m"}
    ),
    "a repeat waits for a tick": Timeline(
        does="0 fire a",
        tells="10 oncall a+\n130 oncall a+\n250 oncall a+",
        route={"repeat_interval": "100s"},
        length=300,
    ),
    "repeats come further and further apart": Timeline(
        does="0 fire a",
        tells="10 oncall a+\n70 oncall a+\n190 oncall a+\n430 oncall a+\n730 oncall a+\n1030 oncall a+",
        route={"repeat_interval": "1m", "repeat_backoff": 2, "repeat_max": "5m"},
        length=1300,
    ),
    "news resets the backoff of repeats": Timeline(
        does="0 fire a\n200 fire b",
        tells="10 oncall a+\n70 oncall a+\n190 oncall a+\n250 oncall a+ b+\n310 oncall a+ b+\n430 oncall a+ b+",
        route={"repeat_interval": "1m", "repeat_backoff": 2},
    ),
    "groups do not wait for each other": Timeline(
        does="0 fire a\n30 fire Disk/b", tells="10 oncall a+\n40 oncall Disk/b+"
    ),
    "grouping by all labels makes each alert a group": Timeline(
        does="0 fire a\n0 fire b", tells="10 oncall a+\n10 oncall b+", route={"group_by": ["..."]}
    ),
    "a receiver that wants no resolves gets none": Timeline(
        does="0 fire a\n20 resolve a\n200 fire a",
        tells="10 oncall a+\n210 oncall a+",
        inbox={"send_resolved": False},
    ),
    "an event that expired is told where state is kept": Timeline(
        does="0 fire a\n20 expire a", tells="10 oncall a+\n70 oncall a-"
    ),
    "an event that expired is not told in chat": Timeline(
        does="0 fire a\n20 expire a", tells="10 oncall a+", inbox={"keeps_state": False}
    ),
    # Receivers that fail
    "a receiver that is down for an hour misses nothing": Timeline(
        does="0 down oncall\n0 fire a\n900 resolve a\n1800 fire b\n3600 up oncall",
        tells="3600..3960 oncall a+\n3600..4020 oncall a- b+",
        length=4500,
    ),
    "a receiver that is busy is left alone as long as it asks": Timeline(
        does="0 busy oncall 100\n0 fire a\n50 up oncall", tells="110 oncall a+"
    ),
    "of two receivers the broken one does not hold up the other": Timeline(
        does="0 down oncall\n0 fire a\n20 resolve a\n200 up oncall",
        tells="10 chat a+\n70 chat a-\n200..560 oncall a+\n200..620 oncall a-",
        route=TWO,
        length=900,
    ),
    "a receiver that refuses everything gets it when it is mended": Timeline(
        does="0 refuses oncall\n0 fire a\n100 up oncall", tells="310 oncall a+"
    ),
    "a reload asks a receiver that refused at once": Timeline(
        does="0 refuses oncall\n0 fire a\n100 up oncall\n120 reload same",
        tells="120 oncall a+",
        configs={"same": {}},
    ),
    "the alert that a receiver does not take keeps back nothing else": Timeline(
        does="0 dislikes oncall b\n0 fire a\n0 fire b\n0 fire c", tells="10 oncall a+\n10 oncall c+"
    ),
    # Crashes
    "a crash before the wait is over": Timeline(does="0 fire a\n5 restart", tells="10 oncall a+"),
    "a crash between two ticks": Timeline(
        does="0 fire a\n20 resolve a\n30 restart", tells="10 oncall a+\n70 oncall a-"
    ),
    "a crash right after a notification was accepted repeats it once": Timeline(
        does="0 die oncall\n0 fire a\n12 restart", tells="10 oncall a+\n12 oncall a+"
    ),
    "a daemon that was away tells late, and once": Timeline(does="0 fire a\n5 restart 300", tells="305 oncall a+"),
    "what ended while the daemon was away is told as both": Timeline(
        does="0 fire a\n2 restart 100\n102 resolve a", tells="102 oncall a+\n162 oncall a-"
    ),
    "a repeat that was due while the daemon was away comes once": Timeline(
        does="0 fire a\n20 restart 400",
        tells="10 oncall a+\n420 oncall a+",
        route={"repeat_interval": "2m"},
        length=470,
    ),
    "a restart forgets no rhythm": Timeline(
        does="0 fire a\n20 restart\n25 fire b\n40 restart", tells="10 oncall a+\n70 oncall a+ b+"
    ),
    # Clocks
    "a clock set back by an hour keeps nothing waiting": Timeline(
        does="0 fire a\n20 clock -3600\n21 fire b",
        tells="-3580 oncall a+\n-3520 oncall a+ b+\n10 oncall a+",
        length=600,
    ),
    "a clock set forward by an hour repeats nothing needlessly": Timeline(
        does="0 fire a\n20 clock 3600\n30 resolve a", tells="10 oncall a+\n3670 oncall a-"
    ),
    # Silences
    "what is silenced is not told": Timeline(
        does="0 silence s conversation_id=a 300\n0 fire a\n0 fire b", tells="10 oncall b+\n300 oncall b+ a+"
    ),
    "when a silence ends, what still fires is told at once": Timeline(
        does="0 silence s conversation_id=a 123\n5 fire a", tells="123 oncall a+"
    ),
    "when a silence is ended by hand, what still fires is told at once": Timeline(
        does="0 silence s conversation_id=a 3600\n5 fire a\n33 unsilence s", tells="33 oncall a+"
    ),
    "what fires and resolves within a silence is never told": Timeline(
        does="0 silence s conversation_id=a 300\n5 fire a\n100 resolve a\n150 fire a\n200 resolve a", tells=""
    ),
    "what fires and resolves within a short silence is never told": Timeline(
        does="0 fire x\n15 silence s conversation_id=a 30\n20 fire a\n30 resolve a",
        tells="10 oncall x+",
        route={"group_interval": "5m"},
    ),
    "a resolve of what was told goes through a silence": Timeline(
        does="0 fire a\n20 silence s conversation_id=a 3600\n30 resolve a", tells="10 oncall a+\n70 oncall a-"
    ),
    "what was told and then silenced is not repeated, but at the end of the silence": Timeline(
        does="0 fire a\n20 silence s conversation_id=a 400",
        tells="10 oncall a+\n420 oncall a+\n540 oncall a+",
        route={"repeat_interval": "2m"},
    ),
    "a silence until resolved ends with what it is about": Timeline(
        does="0 fire a\n20 silence s conversation_id=a resolved\n30 resolve a\n200 fire a",
        tells="10 oncall a+\n70 oncall a-\n210 oncall a+",
    ),
    "a silence outlives a restart": Timeline(
        does="0 silence s conversation_id=a 300\n5 fire a\n100 restart", tells="300 oncall a+"
    ),
    # Time intervals
    "in a mute interval nothing new is told, and at its end what still fires": Timeline(
        does="0 fire a\n0 fire b\n100 resolve b", tells="300 oncall a+", route=MUTED, alerting=NIGHT
    ),
    "outside of an active interval nothing new is told": Timeline(
        does="0 fire a\n310 fire b", tells="10 oncall a+", route=ACTIVE, alerting=NIGHT, length=900
    ),
    "a resolve goes through a mute interval": Timeline(
        does="0 fire a\n320 resolve a",
        tells="10 oncall a+\n370 oncall a-",
        route=ACTIVE,
        alerting=NIGHT,
        length=900,
    ),
    # Inhibition
    "what another alert makes needless is not told while that fires": Timeline(
        does="0 fire Blind/x\n0 fire a\n100 resolve Blind/x",
        tells="10 oncall Blind/x+\n130 oncall Blind/x-\n130 oncall a+",
        alerting=INHIBIT,
    ),
    "what is inhibited to its end is never told": Timeline(
        does="0 fire Blind/x\n0 fire a\n100 resolve a", tells="10 oncall Blind/x+", alerting=INHIBIT
    ),
    "a resolve of what was told is not inhibited": Timeline(
        does="0 fire a\n20 fire Blind/x\n30 resolve a",
        tells="10 oncall a+\n30 oncall Blind/x+\n70 oncall a-",
        alerting=INHIBIT,
    ),
    "an inhibited alert does not escape at a restart": Timeline(
        does="0 fire Blind/x\n0 fire a\n100 restart", tells="10 oncall Blind/x+", alerting=INHIBIT
    ),
    # Acknowledgements
    "what is acknowledged is not repeated until it times out": Timeline(
        does="0 fire a\n20 ack a 500",
        tells="10 oncall a+\n520 oncall a+",
        route={"repeat_interval": "2m"},
    ),
    "a resolve of what was acknowledged is told": Timeline(
        does="0 fire a\n20 ack a 3600\n300 resolve a",
        tells="10 oncall a+\n310 oncall a-",
        route={"repeat_interval": "2m"},
    ),
    "an acknowledged alert is named beside news of its group": Timeline(
        does="0 fire a\n20 ack a 3600\n100 fire b",
        tells="10 oncall a+\n130 oncall a+ b+\n250 oncall a+ b+",
        route={"repeat_interval": "2m"},
        length=300,
    ),
    "acknowledged, then worse: it is told again at once": Timeline(
        does="0 fire a severity=warning\n20 ack a 3600\n200 fire Down/a severity=critical",
        tells="10 oncall a+\n200 oncall a+\n210 oncall Down/a+",
    ),
    "an acknowledgement that is taken back tells again at once": Timeline(
        does="0 fire a\n20 ack a 3600\n100 unack a", tells="10 oncall a+\n100 oncall a+"
    ),
    "a pager is told of an acknowledgement at once": Timeline(
        does="0 fire a\n20 ack a 3600\n30 resolve a",
        tells="10 oncall a+\n20 oncall a~\n70 oncall a-",
        inbox={"acknowledges": True},
    ),
    # Changes of the configuration
    "a rule that is renamed resolves its alert and fires the new one": Timeline(
        does="0 fire Old/a\n100 remove Old/a\n100 fire New/a",
        tells="10 oncall Old/a+\n110 oncall New/a+\n130 oncall Old/a-",
    ),
    "a receiver that is added is told of what fires, and the resolve goes to both": Timeline(
        does="0 fire a\n100 reload two\n200 resolve a",
        tells="10 oncall a+\n100 chat a+\n220 chat a-\n250 oncall a-",
        route={"routes": [{"receiver": "chat", "matchers": ['alertname="Nothing"']}]},
        configs={"two": {"route": TWO}},
        length=600,
    ),
    "an alert whose severity is edited while it fires stays the same alert": Timeline(
        does="0 fire a severity=warning\n50 fire a severity=critical\n100 resolve a",
        tells="10 oncall a+\n130 oncall a-",
    ),
    "a shorter interval holds from the reload on": Timeline(
        does="0 fire a\n20 reload quick\n27 resolve a",
        tells="10 oncall a+\n30 oncall a-",
        configs={"quick": {"route": {"group_interval": "5s"}}},
    ),
    # Storms
    "five hundred alerts are a few messages": Timeline(
        does="\n".join(f"{number / 50} fire n{number}" for number in range(500)),
        tells="10 oncall " + " ".join(f"n{number}+" for number in range(500)),
    ),
}


@pytest.mark.parametrize("timeline", TIMELINES.values(), ids=TIMELINES.keys())
async def test_timeline(timeline: Timeline, tmp_path: Path) -> None:
    """What the name of the timeline says."""
    await check(timeline, tmp_path)
