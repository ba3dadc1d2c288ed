"""What changed between two looks: pure functions of values and times."""
