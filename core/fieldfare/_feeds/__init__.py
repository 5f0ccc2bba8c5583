"""Built-in feeds and their triggers: the same contract as a plugin's."""
