"""alli-monitor: a webhook-free polling monitor and alerting daemon for the Alli platform."""

__version__ = "0.1.0"
