"""Rules that share what is popular, for Fieldfare."""
