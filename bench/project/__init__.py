"""The folder that `fieldfare run` is given, but for `settings.py`, which each run writes anew."""
