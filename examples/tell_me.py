"""Tell a person whatever needs one: an uncertain outcome, an answer that waits for approval, an account that is locked.

fieldfare check examples/tell_me.py
fieldfare run   examples/tell_me.py

Without `webhook`, `Notify` writes a warning into the log. With `webhook=secret("TEAM_CHAT")` it posts `{"text": …}` to
the address that is kept under that name.
"""

from fieldfare import Context, Notify, TroubleSeen, automation, on


@automation(on.trouble())
def tell_me(event: TroubleSeen, ctx: Context) -> Notify:
    return Notify(text=event.says)
