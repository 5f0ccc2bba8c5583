"""What differs from run to run; the benchmark writes this file anew into each project."""

SERVER = "http://127.0.0.1:9"
ACCOUNTS = 1
PUSH = True
RULES = 1
KEYWORD = 0
"""Number of the rule whose keyword the mentions contain."""
IN_FLIGHT = 32
"""Replies of one account side by side; a connector that says nothing gets 4."""
PER_CONVERSATION = 1_000
PER_PERSON = 1_000_000
PER_ACCOUNT = 10_000_000
"""What the automation's `Caps` allow within a day; the defaults are 1, 5 and 300."""
