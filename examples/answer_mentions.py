"""Answer questions that name the brand; leave bots and kind words alone.

fieldfare check examples/answer_mentions.py
fieldfare run   examples/answer_mentions.py

Why somebody got no answer: fieldfare explain
"""

from fieldfare import Automation, Mention, condition, on
from fieldfare_replies import AutoReply

from accounts import SECOND, brand


@condition
def asks_something(event: Mention) -> bool:
    return "?" in event.post.text


answer_mentions = Automation(
    name="answer-mentions",
    trigger=on.mention(brand, every=SECOND),
    when=asks_something,
    decide=AutoReply(template="Hello $handle, thank you for asking! We open Monday to Saturday, 9 to 17."),
)
