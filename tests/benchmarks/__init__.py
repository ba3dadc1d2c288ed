"""Programs that measure; they are run by hand, and a short form of each is a test."""
