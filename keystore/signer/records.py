"""Reading the row of a personal key without believing it.

What lives here: the policy of a row that at least fits itself, and to whom log rows about it are
sealed.  What a policy says is believed once the key has opened with it.
"""

from __future__ import annotations

from keystore.recipient import is_recipient
from keystore.signer.errors import KeyRecordChanged
from keystore.signer.model import KeyPolicy, PersonalKey, decode_policy


def read_policy(key: PersonalKey) -> KeyPolicy:
    """The policy of a row.

    Raises  KeyRecordChanged: it cannot be read, or is of another key or account.
    """
    try:
        policy = decode_policy(key.raw_policy)
    except ValueError as tampering:
        raise KeyRecordChanged("policy") from tampering
    if policy.key_id != key.key_id or policy.account_id != key.account_id:
        raise KeyRecordChanged("policy")
    return policy


def find_recipient(key: PersonalKey) -> bytes | None:
    """To whom log rows about a key are sealed; None, to nobody, where the row was tampered with."""
    try:
        recipient = read_policy(key).recipient
    except KeyRecordChanged:
        return None
    return recipient if is_recipient(recipient) else None
