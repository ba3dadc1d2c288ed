"""Alembic's entry: runs the migrations over the connection that `monitor.store.migrate.upgrade` hands in."""

from __future__ import annotations

from alembic import context

from monitor.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
