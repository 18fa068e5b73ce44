"""Where the person's signing keys were used, and those of organisations whose seal she uses.

What lives here: `/account/signatures`, `/account/certificates/<name>/uses`, newest first, and the
proof of one use as a file.  The place where a page goes on is in its address; it names a row and
opens nothing: each page shows rows of owners whom this person may look at.
Source: architecture, J5 and "State" (the append-only log).
Not here: which rows these are (`idp/key_uses.py`).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, abort, request

from idp.certificate_services import CertificateServices
from idp.history import HistoryPlace, HistoryRow
from idp.ids import AccountId
from idp.key_uses import UsesPage
from idp.own_certificates import OwnCertificate, OwnCertificateUnknown, Owner
from idp.own_history import HistoryUnknown, ProofNotYet
from idp.services import Services
from idp.web.account.certificate_shown import grouped_serial
from idp.web.account.certificates import NAME, PLACE, SIGNATURES
from idp.web.account.history import MOST_SEQ, read_place
from idp.web.account.not_me import PLACE as NOT_ME
from idp.web.answer import see_other
from idp.web.certificate_pages import KeyUsesPage, ShownUse
from idp.web.certificate_sentences import USE_CONFIRMED, use_refused
from idp.web.consent_text import name_of
from idp.web.cookies import Cookies
from idp.web.flow import page_answer
from idp.web.i18n import translate
from idp.web.own_sign_in import OwnSignIn
from idp.web.sign.shown import grouped
from keystore.log.events import EventType
from keystore.signer.certificate_requests import CERTIFICATE_REQUEST
from signing.model import Titled

_NOT_YET: Final = "proof_not_yet"
_OWNER: Final = re.compile(r"[0-9]{1,2}", re.ASCII)
_HASH_NAMES: Final = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


def make_key_uses(
    services: Services, certificates: CertificateServices, *, cookies: Cookies
) -> Blueprint:
    """The blueprint."""
    pages = _UsesPages(services, certificates, cookies=cookies)
    blueprint = Blueprint("key_uses", __name__)
    blueprint.add_url_rule(SIGNATURES, "all", pages.all)
    blueprint.add_url_rule(f"{PLACE}/{NAME}/uses", "of_one", pages.of_one)
    blueprint.add_url_rule(
        f"{SIGNATURES}/<int(max=99):number>/<string(maxlength=80):writer>/<int(max={MOST_SEQ}):seq>",
        "prove",
        pages.prove,
    )
    return blueprint


class _UsesPages:
    """The views."""

    def __init__(
        self, services: Services, certificates: CertificateServices, *, cookies: Cookies
    ) -> None:
        self._services = services
        self._own = certificates.own
        self._uses = certificates.uses
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def all(self) -> Response:
        """Of every key of one owner: the person herself unless another one is asked for."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(SIGNATURES)
        owners = self._own.owners(session.account_id, now=self._services.time())
        raw_number = request.args.get("owner", "0")
        number = int(raw_number) if _OWNER.fullmatch(raw_number) else -1
        if not 0 <= number < len(owners):
            abort(404)
        place = SIGNATURES if number == 0 else f"{SIGNATURES}?owner={number}"
        names = tuple(
            (one.name, SIGNATURES if at == 0 else f"{SIGNATURES}?owner={at}", at == number)
            for at, one in enumerate(owners)
        )
        return self._page(owners[number], number, place=place, back_url=PLACE, owners=names)

    def of_one(self, name: str) -> Response:
        """Of the key of one certificate."""
        place = f"{PLACE}/{name}"
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(f"{place}/uses")
        now = self._services.time()
        try:
            found = self._own.get(session.account_id, name, now=now)
        except OwnCertificateUnknown:
            abort(404)
        owners = self._own.owners(session.account_id, now=now)
        ids = [one.account_id for one in owners]
        if found.owner.account_id not in ids:
            abort(404)
        number = ids.index(found.owner.account_id)
        return self._page(found.owner, number, place=f"{place}/uses", back_url=place, of=found)

    def prove(self, number: int, writer: str, seq: int) -> Response:
        """The proof of one use, as a file that anybody checks without us."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(SIGNATURES)
        owners = self._own.owners(session.account_id, now=self._services.time())
        if number >= len(owners):
            abort(404)
        try:
            text = self._uses.prove(owners[number].account_id, writer=writer, seq=seq)
        except HistoryUnknown:
            abort(404)
        except ProofNotYet:
            owner = f"owner={number}&" if number else ""
            return see_other(f"{SIGNATURES}?{owner}{_NOT_YET}=1")
        response = Response(text, mimetype="text/plain")
        response.headers["Content-Disposition"] = f'attachment; filename="antin-{seq}.proof.txt"'
        return response

    def _page(
        self,
        owner: Owner,
        number: int,
        *,
        place: str,
        back_url: str,
        owners: tuple[tuple[str, str, bool], ...] = (),
        of: OwnCertificate | None = None,
    ) -> Response:
        raw_before = request.args.get("before")
        found = self._uses.page(
            owner.account_id,
            key_id=None if of is None else of.record.kid or "",
            before=read_place(raw_before),
        )
        page = KeyUsesPage(
            holder=owner.name,
            is_organisation=owner.is_organisation,
            of="" if of is None else grouped_serial(of.record.serial),
            uses=self._shown(found, owner, number),
            owners=owners if len(owners) > 1 else (),
            is_first=raw_before is None,
            older_url="" if found.goes_on is None else _older_url(place, found.goes_on),
            newest_url=place,
            back_url=back_url,
            not_me_url=NOT_ME,
            is_proof_early=_NOT_YET in request.args,
        )
        return page_answer(page)

    def _shown(self, found: UsesPage, owner: Owner, number: int) -> tuple[ShownUse, ...]:
        certificates = self._own.of_owner(owner, now=self._services.time())
        names: dict[str, str] = {}
        return tuple(
            self._use(
                row,
                found.titles.get(str(row.facts.get("request_id", ""))),
                number=number,
                certificates=certificates,
                names=names,
            )
            for row in found.rows
        )

    def _use(
        self,
        row: HistoryRow,
        titled: Titled | None,
        *,
        number: int,
        certificates: tuple[OwnCertificate, ...],
        names: dict[str, str],
    ) -> ShownUse:
        facts, now = row.facts, self._services.time()
        client = (
            None
            if row.client_id is None
            else self._services.registry.find_registered_client(row.client_id, now=now)
        )
        title = "" if titled is None else titled.title
        if facts.get("purpose") == CERTIFICATE_REQUEST:
            title = translate("Yêu cầu cấp chứng thư")
        certificate = _certificate(row, certificates)
        is_refused = row.type is EventType.ACTIVATION_REFUSED
        confirmed_by = USE_CONFIRMED.get(str(facts.get("evidence", "")), "")
        return ShownUse(
            at=row.at,
            is_refused=is_refused,
            who=(row.client_id or "") if client is None else name_of(client),
            title=title,
            documents=() if titled is None else tuple(map(_document, titled.documents)),
            count=_number(facts.get("count")),
            certificate="" if certificate is None else grouped_serial(certificate.record.serial),
            certificate_url="" if certificate is None else f"{PLACE}/{certificate.name}",
            confirmed_by=translate(confirmed_by) if confirmed_by else "",
            by_whom=self._name(str(facts.get("person", "")), names),
            why=translate(use_refused(str(facts.get("code", "")))) if is_refused else "",
            unwritten=_number(facts.get("unwritten")),
            proof_url=f"{SIGNATURES}/{number}/{quote(row.place.writer, safe='')}/{row.place.seq}",
        )

    def _name(self, account_id: str, names: dict[str, str]) -> str:
        if not account_id:
            return ""
        if account_id not in names:
            account = self._services.people.find_account(AccountId(account_id))
            names[account_id] = "" if account is None else account.profile.name
        return names[account_id]


def _certificate(
    row: HistoryRow, certificates: tuple[OwnCertificate, ...]
) -> OwnCertificate | None:
    """The one that the key had then: of several of one key the newest that had begun."""
    key_id = row.facts.get("key_id")
    of_key = [one for one in certificates if one.record.kid == key_id]
    begun = (one for one in of_key if one.record.issued_at <= row.at)
    return next(begun, of_key[-1] if of_key else None)


def _document(one: tuple[str, str, bytes]) -> tuple[str, str]:
    name, hash_name, digest = one
    return name, f"{_HASH_NAMES.get(hash_name, hash_name)}: {grouped(digest.hex().upper())}"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _older_url(place: str, found: HistoryPlace) -> str:
    joint = "&" if "?" in place else "?"
    before = f"{found.at_ms}.{found.seq}.{found.writer}"
    return f"{place}{joint}{urlencode({'before': before})}"
