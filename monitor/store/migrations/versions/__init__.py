"""Schema migrations, run by `monitor.store.database`."""
