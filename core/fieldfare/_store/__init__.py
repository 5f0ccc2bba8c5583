"""The one transactional store: what happened, what was decided, what left. Only functions here change state."""
