"""Where a person looks at an alert."""

from __future__ import annotations

from urllib.parse import quote

from monitor.model.alert import Alert
from monitor.settings import Settings

__all__ = ["Links"]


class Links:
    """Addresses of conversations and of this monitor, as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.external_url = (settings.web.external_url or f"http://{settings.web.listen}").rstrip("/")

    def to(self, alert: Alert) -> str:
        """Return where to look: the conversation in Alli's dashboard, or our own page of it, or the console."""
        project, conversation_id = alert.identity.project, dict(alert.identity.subject).get("conversation_id")
        if conversation_id is None:
            return f"{self.external_url}/"
        settings = self._settings.projects.get(project)
        parts = {"project": quote(project, safe=""), "conversation_id": quote(conversation_id, safe="")}
        if settings is not None and settings.conversation_url:
            return settings.conversation_url.format(**parts)
        return f"{self.external_url}/c/{parts['project']}/{parts['conversation_id']}"
