"""
The tables, for SQLite and PostgreSQL alike.

Times are UTC seconds since the epoch; the comment of a table says whose. Values with many fields (runs, alerts, stops)
are kept whole as JSON in `body`, beside the columns that queries need. The migrations in `migrations/` must add up to
exactly this.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, MetaData, Table

from monitor.store.rows import CleanString as String
from monitor.store.rows import CleanText as Text

__all__ = [
    "acks",
    "alerts",
    "blind_times",
    "brakes",
    "capabilities",
    "conversations",
    "deliveries",
    "groups",
    "intents",
    "meta",
    "metadata",
    "polls",
    "projects",
    "rating_changes",
    "ratings",
    "runs",
    "silences",
    "stop_log",
    "stop_requests",
    "stops",
    "transitions",
]

_ID = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up by itself only for INTEGER PRIMARY KEY

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"},
)

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
    comment="What is known of the database itself. It keeps this form for ever: older versions read it.",
)

projects = Table(
    "projects",
    metadata,
    Column("project", String, primary_key=True),
    Column("baseline_at", Double),  # when the first complete pass over its ratings was recorded; server time
    comment="What is known of a project once and for all.",
)

polls = Table(
    "polls",
    metadata,
    Column("project", String, primary_key=True),
    Column("poll", String, primary_key=True),
    Column("asked_at", Double),  # when the newest complete pass was asked for
    Column("completed_at", Double),  # ... and when its last page was answered
    Column("own_at", Double),  # ... in own time, for metrics
    Column("watermark", Double),  # the next incremental pass starts here
    comment="The newest complete pass of each poll; server time.",
)

capabilities = Table(
    "capabilities",
    metadata,
    Column("project", String, primary_key=True),
    Column("base_url", String, nullable=False),  # of the server it is about: a project may move to another
    Column("probed_at", Double, nullable=False),
    Column("own_at", Double, nullable=False),  # the same in own time
    Column("body", Text, nullable=False),
    comment="What the newest probe of each project's server found; server time.",
)

blind_times = Table(
    "blind_times",
    metadata,
    Column("project", String, primary_key=True),
    Column("began_at", Double, primary_key=True),
    Column("ended_at", Double, nullable=False),  # moves on while it lasts
    comment="When the runs of a project were not observed; server time.",
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("project", String, nullable=False),
    Column("conversation_id", String, nullable=False),
    Column("app_id", String, nullable=False),
    Column("began_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("body", Text, nullable=False),
    Index(None, "project", "ended_at"),
    Index(None, "project", "conversation_id"),
    comment="The run ledger; server time.",
)

conversations = Table(
    "conversations",
    metadata,
    Column("project", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("chat_count", BigInteger, nullable=False),
    Column("last_chat_at", Double),
    Column("looked_at", Double, nullable=False),  # when its embedded chats were last looked at
    Column("paged_at", Double),  # when all its chats were last read from their pages
    Column("digest", String, nullable=False),  # of what ratings depend on: unchanged means nothing to compare
    Index(None, "project", "last_chat_at"),
    comment="Conversations that were looked at for ratings; server time.",
)

ratings = Table(
    "ratings",
    metadata,
    Column("project", String, primary_key=True),
    Column("chat_id", String, primary_key=True),
    Column("rater", String, primary_key=True),
    Column("conversation_id", String, nullable=False),
    Column("vote", String, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Index(None, "project", "conversation_id"),
    Index(None, "seen_at"),
    comment="The newest known state of every rating that ever was positive or negative; server time.",
)

rating_changes = Table(
    "rating_changes",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("project", String, nullable=False),
    Column("conversation_id", String, nullable=False),
    Column("chat_id", String, nullable=False),
    Column("rater", String, nullable=False),
    Column("vote", String, nullable=False),
    Column("previous", String, nullable=False),
    Column("app_id", String),
    Column("app_name", String),
    Column("user_id", String),
    Column("chat_at", Double, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Index(None, "project", "seen_at"),
    comment="What happened to ratings, for windows; server time.",
)

alerts = Table(
    "alerts",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("project", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("conversation_id", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "project", "state", "rule"),
    Index(None, "project", "conversation_id"),
    Index(None, "state"),
    comment="Alerts; server time of their project, own time where the project is empty.",
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("integration", String, nullable=False),
    Column("group_key", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("status", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("intent_id", BigInteger),  # the delivery that carries it, once one is made
    Column("told_at", Double),  # when that delivery was accepted
    Column("rank", Integer),  # how many others of its group fired when it was told to fire
    Column("body", Text, nullable=False),
    Index(None, "integration", "group_key", "intent_id"),
    Index(None, "fingerprint"),
    Index(None, "intent_id"),
    comment="What each integration must be told, one row for each alert's transition; own time.",
)

groups = Table(
    "groups",
    metadata,
    Column("integration", String, primary_key=True),
    Column("group_key", String, primary_key=True),
    Column("route", String, nullable=False),
    Column("labels", Text, nullable=False),
    Column("last_sent_at", Double),
    Column("flush_at", Double),  # when it is to be looked at next; None for never
    Column("ticked_at", Double),  # what its group_interval counts from; None where nothing of it was sent
    Column("repeats", Integer, nullable=False, server_default="0"),  # since something in it changed
    Column("muted", Text, nullable=False, server_default="{}"),  # by fingerprint: why what fires is not told
    Index(None, "flush_at"),
    comment="Groups of alerts at each integration; own time.",
)

intents = Table(
    "intents",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("lane", String, nullable=False),  # one at a time and in order within a lane
    Column("destination", String, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_by", String),
    Column("claimed_until", Double),
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    Column("error", Text, nullable=False),
    Index(None, "state", "kind", "destination", "id"),
    Index(None, "lane", "state"),
    comment="The outbox: what is to be done to the world; own time.",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("destination", String, primary_key=True),
    Column("failing_since", Double),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("permanent", Boolean, nullable=False),
    Column("delivered_at", Double),
    Column("set_aside_at", Double),  # when it last refused something that others were told of all the same
    comment="How each destination fares; own time.",
)

stops = Table(
    "stops",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("project", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("conversation_id", String, nullable=False),
    Column("app_id", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("state", String, nullable=False),
    Column("result", String),
    Column("verdict", String),
    Column("decided_at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "project", "run_id"),
    Index(None, "project", "state"),
    comment="The journal of stops, real and shadow; server time.",
)

stop_requests = Table(
    "stop_requests",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("stop_id", BigInteger, nullable=False),
    Column("project", String, nullable=False),
    Column("conversation_id", String, nullable=False),
    Column("app_id", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("answer", String, nullable=False),
    Index(None, "project", "at"),
    Index(None, "stop_id"),
    comment="Each request to stop, for budget and cooldown; in shadow, the simulated ones; server time.",
)

stop_log = Table(
    "stop_log",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("project", String, nullable=False),
    Column("stop_id", BigInteger),
    Column("conversation_id", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("own_at", Double, nullable=False),
    Column("what", String, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "project", "at"),
    comment="The audit of stops and of the brake: every decision, request, look and outcome.",
)

brakes = Table(
    "brakes",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),  # pause or protect
    Column("project", String, nullable=False),  # empty: every project
    Column("target", String, nullable=False),  # pause: a glob on apps; protect: a conversation
    Column("until", Double),  # None: until resumed
    Column("set_at", Double, nullable=False),
    Column("set_by", String, nullable=False),
    comment="What an operator forbade; own time.",
)

silences = Table(
    "silences",
    metadata,
    Column("id", String, primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("starts_at", Double, nullable=False),
    Column("ends_at", Double),  # None: when nothing that it matches fires any more
    Column("body", Text, nullable=False),
    Index(None, "ends_at"),
    comment="What is not to be told for a while; own time.",
)

acks = Table(
    "acks",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("ended_at", Double),  # None while it holds, as far as anybody looked
    Column("body", Text, nullable=False),
    Index(None, "ended_at"),
    comment="The newest acknowledgement of each alert; own time.",
)
