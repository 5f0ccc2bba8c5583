"""Values, events and errors: what exists, independent of any network or engine."""
