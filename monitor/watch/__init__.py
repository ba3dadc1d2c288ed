"""Looking at Alli: what was seen, how completely, and when. Nothing is decided here."""
