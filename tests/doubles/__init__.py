"""Networks of our own making: stateful, scripted, served on loopback, with every effect on record."""
