"""Telling the outside: one module for each kind of receiver, over one way of posting."""
