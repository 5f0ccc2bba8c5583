"""The host of the plugins: who brings what, and who is at fault."""

from .hooks import mistaken_hooks, signature
from .host import Plugin, PluginHost

__all__ = ["Plugin", "PluginHost", "mistaken_hooks", "signature"]
