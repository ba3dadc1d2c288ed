"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alerts",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_alerts")),
        comment="Alerts; server time of their project, own time where the project is empty.",
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_alerts_project_conversation_id"), ["project", "conversation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_alerts_project_state_rule"), ["project", "state", "rule"], unique=False)
        batch_op.create_index(batch_op.f("ix_alerts_state"), ["state"], unique=False)

    op.create_table(
        "brakes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("set_at", sa.Double(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brakes")),
        comment="What an operator forbade; own time.",
    )
    op.create_table(
        "conversations",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("chat_count", sa.BigInteger(), nullable=False),
        sa.Column("last_chat_at", sa.Double(), nullable=True),
        sa.Column("looked_at", sa.Double(), nullable=False),
        sa.Column("paged_at", sa.Double(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("project", "id", name=op.f("pk_conversations")),
        comment="Conversations that were looked at for ratings; server time.",
    )
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_conversations_project_last_chat_at"), ["project", "last_chat_at"], unique=False
        )

    op.create_table(
        "deliveries",
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("failing_since", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("delivered_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("destination", name=op.f("pk_deliveries")),
        comment="How each destination fares; own time.",
    )
    op.create_table(
        "groups",
        sa.Column("integration", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("last_sent_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("integration", "group_key", name=op.f("pk_groups")),
        comment="Groups of alerts at each integration; own time.",
    )
    op.create_table(
        "intents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("claimed_until", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
        comment="The outbox: what is to be done to the world; own time.",
    )
    with op.batch_alter_table("intents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_intents_lane_state"), ["lane", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_intents_state_due_at"), ["state", "due_at"], unique=False)

    op.create_table(
        "polls",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("poll", sa.String(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=True),
        sa.Column("completed_at", sa.Double(), nullable=True),
        sa.Column("own_at", sa.Double(), nullable=True),
        sa.Column("watermark", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("project", "poll", name=op.f("pk_polls")),
        comment="The newest complete pass of each poll; server time.",
    )
    op.create_table(
        "projects",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("baseline_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_projects")),
        comment="What is known of a project once and for all.",
    )
    op.create_table(
        "rating_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("rater", sa.String(), nullable=False),
        sa.Column("vote", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=True),
        sa.Column("app_name", sa.String(), nullable=True),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("chat_at", sa.Double(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_changes")),
        comment="What happened to ratings, for windows; server time.",
    )
    with op.batch_alter_table("rating_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rating_changes_project_seen_at"), ["project", "seen_at"], unique=False)

    op.create_table(
        "ratings",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("rater", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("vote", sa.String(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("project", "chat_id", "rater", name=op.f("pk_ratings")),
        comment="The newest known state of every rating that ever was positive or negative; server time.",
    )
    with op.batch_alter_table("ratings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ratings_project_conversation_id"), ["project", "conversation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_ratings_seen_at"), ["seen_at"], unique=False)

    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        comment="The run ledger; server time.",
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_runs_project_conversation_id"), ["project", "conversation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_runs_project_ended_at"), ["project", "ended_at"], unique=False)

    op.create_table(
        "stop_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("stop_id", sa.BigInteger(), nullable=True),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("own_at", sa.Double(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop_log")),
        comment="The audit of stops and of the brake: every decision, request, look and outcome.",
    )
    with op.batch_alter_table("stop_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stop_log_project_at"), ["project", "at"], unique=False)

    op.create_table(
        "stop_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("stop_id", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop_requests")),
        comment="Each request to stop, for budget and cooldown; in shadow, the simulated ones; server time.",
    )
    with op.batch_alter_table("stop_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stop_requests_project_at"), ["project", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_stop_requests_stop_id"), ["stop_id"], unique=False)

    op.create_table(
        "stops",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("decided_at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stops")),
        comment="The journal of stops, real and shadow; server time.",
    )
    with op.batch_alter_table("stops", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stops_project_run_id"), ["project", "run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stops_project_state"), ["project", "state"], unique=False)

    op.create_table(
        "transitions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("integration", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("intent_id", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.Double(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
        comment="What each integration must be told, one row for each alert's transition; own time.",
    )
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transitions_fingerprint"), ["fingerprint"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_transitions_integration_group_key_intent_id"),
            ["integration", "group_key", "intent_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_transitions_intent_id"), ["intent_id"], unique=False)
