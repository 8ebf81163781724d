"""Pages for people outside: what they open is theirs alone, for minutes, by a secret that was sent to them."""
