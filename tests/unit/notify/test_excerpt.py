from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from monitor.model.facts import Facts
from monitor.notify.alertmanager import Alertmanager
from monitor.notify.excerpt import with_excerpts
from monitor.notify.http import Endpoint
from monitor.notify.receiver import Receiver
from monitor.notify.webhook import Webhook
from tests.support.receivers import FakeReceiver, FixedClock, fired, notification

QUOTING = replace(fired(), facts=Facts(excerpt="왜 안 되나요?"))


@pytest.mark.parametrize(("chars", "excerpt"), [(0, None), (4, "왜 안…"), (100, "왜 안 되나요?")])
@pytest.mark.parametrize("kind", ["webhook", "alertmanager"])
async def test_a_receiver_is_sent_as_much_as_it_may_have(kind: str, chars: int, excerpt: str | None) -> None:
    """What is known of a conversation leaves as an annotation, cut to the receiver's number, and not at all for 0."""
    async with httpx.AsyncClient(trust_env=False) as http, FakeReceiver() as fake:
        endpoint = Endpoint(http=http, url=SecretStr(f"{fake.url}/x"), timeout=5, clock=FixedClock())
        receivers: dict[str, Receiver] = {
            "webhook": Webhook(name="n", receiver="r", endpoint=endpoint, excerpt_chars=chars),
            "alertmanager": Alertmanager(
                name="n", receiver="r", endpoint=endpoint, clock=FixedClock(), excerpt_chars=chars
            ),
        }
        await receivers[kind].send(notification(QUOTING))
        body = fake.requests[0].body
        [alert] = body if kind == "alertmanager" else body["alerts"]
        assert alert["annotations"].get("excerpt") == excerpt
        assert alert["annotations"]["summary"] == QUOTING.annotations["summary"]


def test_an_alert_without_a_quotation_stays_as_it_is() -> None:
    """Where nothing is known of a conversation there is no annotation of it."""
    assert with_excerpts([fired()], 100) == (fired(),)
