"""
Frozen values that everything else speaks in; this package imports nothing of ours.

Unless a name says otherwise, times are server time (see `monitor.clock`) in UTC seconds since the epoch, and
durations are seconds.
"""
