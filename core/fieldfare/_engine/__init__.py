"""What runs the line: load, check, match, decide, deliver."""
