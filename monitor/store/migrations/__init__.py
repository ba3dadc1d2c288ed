"""Schema migrations, run by `monitor.store.migrate`."""
