"""The only place that speaks SQL: one database, one transaction for state and what follows from it."""

from __future__ import annotations

from monitor.store.database import Store, Transaction

__all__ = ["Store", "Transaction"]
