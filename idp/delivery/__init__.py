"""Messages on their way to people: gateways, and the handlers of the outbox that use them.

gateway.py      what a gateway is, what it may answer, and the order in which they are asked
mail.py         e-mail through a mail server
sms.py          text messages through an HTTP gateway
plain_text.py   text messages as telephones count them
sending.py      the handler of one message
telling.py      the handler of one notice: a message to each of the person's channels

Not here: what the messages say (`idp/accounts/message_texts.py`, `notice_texts.py`).
"""
