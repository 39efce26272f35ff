"""Ways out of the bank, behind one small interface: `sender_open(channel)` gives something that sends messages.

Which one it is says settings.NUMINA["NOTIFICATIONS"]: e-mail goes through Django's mail backend (SMTP or any of
anymail's), SMS and push to the console, to a file or to a provider.
"""

from apps.notifications.channels._base import Delayed, Message, Receipt, Refused, Sender, Target
from apps.notifications.channels._choice import sender_open

__all__ = ["Delayed", "Message", "Receipt", "Refused", "Sender", "Target", "sender_open"]
