"""The verbs: what a person asks for. Each has its magic and its command of the same name."""
