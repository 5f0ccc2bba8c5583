"""The account that the examples act with. It lives on the Playground: nothing leaves this machine.

The other files say `from accounts import brand`; a project names each account once. On a real network only this file
would be different: the platform comes from a connector, and its token is `secret("NAME")`.

One thing goes wrong on purpose: when the post about the willow baskets has been taken, the connection breaks before the
answer comes. Fieldfare cannot know whether the post is out. It looks, finds it, and does not send it again.
"""

from datetime import timedelta

from fieldfare import Account
from fieldfare.testing import Playground, answer_lost

brand = Account("brand", Playground(handle="brand", faults=(answer_lost(containing="Willow baskets"),)))

SECOND = timedelta(seconds=1)
"""How often the examples look. A real network is asked once a minute or less; that is the default."""
