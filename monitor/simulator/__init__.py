"""
An imitation of Alli's REST API: a scripted world behind HTTP, for the demo, for tests and for developing rules.

It imports none of the client code, so that a mistake made in one is not repeated in the other. `world` is what
happens and the record of it, `scenario` the YAML that scripts it, `server` the HTTP around it. `replay` gives the
recorded answers of a real API instead.
"""
