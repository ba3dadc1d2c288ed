"""What rules do to Alli. Every action is an intent in the outbox, on disk before anything is asked."""
