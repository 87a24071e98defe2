"""How far a rebuild is, what it would change, and the wish that it shall count."""
