"""The command line. Nothing here imports the engine before a command that needs it has been chosen."""
