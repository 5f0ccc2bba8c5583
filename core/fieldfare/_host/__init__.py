"""The host of the plugins: who brings what, and who is at fault."""

from .hooks import mistaken_hooks, signature
from .host import GROUP, Plugin, PluginHost

__all__ = ["GROUP", "Plugin", "PluginHost", "mistaken_hooks", "signature"]
