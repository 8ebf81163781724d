"""The telephone network's view: signed webhooks in, spoken prompts out, one dialogue for every provider."""
