"""Who must know, and when: pure functions of values and times."""
