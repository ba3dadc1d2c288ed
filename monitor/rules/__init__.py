"""
Rules: YAML files whose conditions and texts are CEL, checked when they are loaded and then asked about single facts.

Pure: nothing here reads a clock, a network, a database or a logger; only `monitor.rules.files` reads files. All times
are server time in UTC seconds, all durations seconds, unless a name says otherwise.
"""
