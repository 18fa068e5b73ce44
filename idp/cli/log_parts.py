"""What the commands of the log share: keys, names, witnesses, and how to reach them.

What lives here: putting those together from settings and services for the duration of a command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import click

from idp.egress.witnesses import EgressWitnesses
from idp.ids import AccountId
from idp.keyrings import open_keyrings
from idp.services import Services
from idp.storage.accounts import find_row
from idp.storage.erasures import was_account
from keystore.errors import SealBroken
from keystore.log.entries import Tree
from keystore.log.errors import EventDiffers, WitnessUnreachable
from keystore.log.log_keys import KeyringLogKeys, LogKeys
from keystore.log.note_keys import NoteVerifier, parse_vkey
from keystore.log.openings import SEALED_TO_NOBODY, Opening, find_owner, open_event, open_row
from keystore.log.proofs import Proofs
from keystore.log.row_marks import RowMarks
from keystore.log.tree_storage import Place, find_tree_state
from keystore.log.verify import KeptCheckpoint
from keystore.log.verify_rows import Opener
from keystore.log.witnessing import WitnessConfig, fetch_latest, parse_witness
from keystore.purposes import LOG


@dataclass(frozen=True, slots=True)
class Heard:
    """What witnesses said when they were asked.

    Takes   silent: names of those that did not answer; unknown_to: those that did, and have never
            seen a tree.
    """

    kept: list[KeptCheckpoint] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    unknown_to: list[tuple[str, Tree]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LogParts:
    """The log of this deployment."""

    services: Services
    keys: LogKeys
    origins: Mapping[Tree, str]
    """As the database names the trees."""
    expected_origins: Mapping[Tree, str]
    """As the settings do."""
    witnesses: tuple[WitnessConfig, ...]
    quorum: int

    @property
    def witness_keys(self) -> tuple[NoteVerifier, ...]:
        """Verifier keys of all witnesses."""
        return tuple(key for one in self.witnesses for key in one.keys)

    @property
    def row_marks(self) -> RowMarks:
        """What tells rows of this deployment from others."""
        return RowMarks(self.services.sealer, signer_keys=self.services.settings.signer_log_keys)

    @property
    def proofs(self) -> Proofs:
        """What makes proofs."""
        return Proofs(self.services.database, quorum=self.quorum)

    def log_keys(
        self, given: Sequence[str], *, now: datetime
    ) -> dict[Tree, tuple[NoteVerifier, ...]]:
        """Verifier keys of each tree, under the names in the settings: those given, or ours."""
        names = self.expected_origins
        if given:
            keys = [parse_vkey(vkey) for vkey in given]
            return {
                tree: tuple(key for key in keys if key.name == origin)
                for tree, origin in names.items()
            }
        return {tree: self.keys.verifiers(origin, now=now) for tree, origin in names.items()}

    def ask_witnesses(self) -> Heard:
        """What the witnesses have seen of the trees, under the names in the settings."""
        transport = EgressWitnesses(self.services.egress)
        heard = Heard()
        for witness in self.witnesses:
            for tree, origin in self.expected_origins.items():
                try:
                    note = fetch_latest(witness, origin=origin, transport=transport)
                except WitnessUnreachable:
                    heard.silent.append(witness.name)
                    break
                if note is None:
                    heard.unknown_to.append((witness.name, tree))
                else:
                    heard.kept.append(KeptCheckpoint(f"witness {witness.name}", note))
        return heard

    def open_place(self, place: Place) -> Opening:
        """The event of an entry.

        Raises  SealBroken, also when the data key of the person was destroyed.
        """
        with self.services.database.read() as connection:
            owner = find_owner(connection, writer=place.writer, seq=place.seq)
            account = None if owner is None else find_row(connection, AccountId(owner))
            data_keys = [None] if account is None else [account.data_key, None]
            for data_key in data_keys:
                try:
                    return open_event(
                        connection,
                        writer=place.writer,
                        seq=place.seq,
                        sealer=self.services.sealer,
                        data_key=data_key,
                    )
                except SealBroken:
                    continue
        raise SealBroken

    def make_opener(self) -> Opener:
        """What opens every row whose keys are still there, for a verification."""
        known: dict[str, tuple[bytes | None, bool]] = {}
        sealer = self.services.sealer

        def account_of(account_id: str) -> tuple[bytes | None, bool]:
            """Its data key, if that is still there, and whether there ever was such an account."""
            if account_id not in known:
                with self.services.database.read() as connection:
                    row = find_row(connection, AccountId(account_id))
                    was_there = row is not None or was_account(connection, AccountId(account_id))
                known[account_id] = (None if row is None else row.data_key, was_there)
            return known[account_id]

        def open_one(values: Mapping[str, object]) -> bool:
            if values["sealed"] == SEALED_TO_NOBODY:
                return False
            account_id = values["account_id"]
            data_key, was_there = None, False
            if isinstance(account_id, str):
                data_key, was_there = account_of(account_id)
            try:
                open_row(values, sealer=sealer, data_key=data_key)
            except EventDiffers:
                raise
            except SealBroken:
                if data_key is not None:
                    # events that name an account need not be sealed under its key
                    open_row(values, sealer=sealer, data_key=None)
                elif was_there:
                    return False  # its key was destroyed; the row of an account stays
                else:
                    raise
            return True

        return open_one


def open_log(services: Services) -> LogParts:
    """The log over open services."""
    settings = services.settings
    with services.database.read() as connection:
        states = {tree: find_tree_state(connection, tree) for tree in Tree}
    keyrings = open_keyrings(
        settings, database=services.database, sealer=services.sealer, log=services.log
    )
    expected = {tree: f"{settings.effective_log_origin}/{tree}" for tree in Tree}
    return LogParts(
        services=services,
        keys=KeyringLogKeys(keyrings.of(LOG)),
        origins={
            tree: expected[tree] if state is None else state.origin
            for tree, state in states.items()
        },
        expected_origins=expected,
        witnesses=tuple(parse_witness(one) for one in settings.log_witnesses),
        quorum=settings.effective_log_quorum,
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
key_option = click.option(
    "--log-key",
    "log_keys",
    multiple=True,
    metavar="VKEY",
    help="Verifier key of the log, kept elsewhere; without it those of the database are believed.",
)
