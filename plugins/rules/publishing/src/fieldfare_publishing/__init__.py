"""Rules that publish from a queue and across networks, for Fieldfare."""
