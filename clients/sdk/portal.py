"""One portal, ready to let people sign in and sign documents: the face of this package.

What lives here: putting the parts together once, and a method per thing that a portal does.  Make
one `Portal` per process and share it between threads.  Not here: cookies, sessions and pages,
which belong to the portal's web framework.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from clients.sdk.client_auth import AuthMethod, ClientCredentials
from clients.sdk.discovery import Discovery, check_address
from clients.sdk.documents import (
    SigningDoor,
    fetch_signed,
    request_signature,
    signature_status,
    withdraw_signature,
)
from clients.sdk.errors import MetadataInvalid, SettingsInvalid
from clients.sdk.jose import KEY_TYPE_OF, read_private_key
from clients.sdk.keys import ProviderKeys
from clients.sdk.login import Capacity, LoginDoor, LoginWishes, finish_login, start_login
from clients.sdk.logout import MemoryReplayStore, ReplayStore, logout_url, verify_logout_token
from clients.sdk.model import (
    Login,
    LogoutNotice,
    Metadata,
    PendingLogin,
    Secret,
    StartedLogin,
    VerifiedClaims,
)
from clients.sdk.refresh import refresh
from clients.sdk.signing_access import SigningAccess
from clients.sdk.signing_events import verify_signing_event
from clients.sdk.signing_model import (
    DocumentToSign,
    SignatureLevel,
    SignedDocument,
    SignerWanted,
    SigningEvent,
    SigningRequest,
)
from clients.sdk.signing_upload import Appearance, SignatureWishes
from clients.sdk.transport import Transport, Urllib3Transport
from clients.sdk.userinfo import fetch_userinfo
from clients.sdk.verification import DocumentBeside, VerificationReport, verify_document

_LEEWAY: Final = timedelta(seconds=30)
_LOGIN_LIFETIME: Final = timedelta(hours=1)


def utc_now() -> datetime:
    """Return the time of this machine, aware UTC."""
    return datetime.now(tz=UTC)


class Portal:
    """A relying party of one provider."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        redirect_uri: str,
        client_secret: str | None = None,
        private_key: str | bytes | Mapping[str, str] | None = None,
        private_key_algorithm: str = "ES256",
        token_endpoint_auth_method: AuthMethod | None = None,
        id_token_alg: str = "ES256",
        transport: Transport | None = None,
        replays: ReplayStore | None = None,
        now: Callable[[], datetime] = utc_now,
        leeway: timedelta = _LEEWAY,
        login_lifetime: timedelta = _LOGIN_LIFETIME,
        signing_api: str | None = None,
    ) -> None:
        """Put the portal together; speaks to nobody yet.

        Takes   issuer: to the letter as the provider spells it; client_secret or private_key (PEM,
                or JWK with `kid`), or neither for a public client; id_token_alg: as registered,
                the only algorithm accepted; replays: shared by all processes of the portal (the
                default serves one process); leeway: how far two clocks may be apart; signing_api:
                address of the signing service where it is not `ISSUER/sign`.
        Raises  SettingsInvalid.
        """
        if id_token_alg not in KEY_TYPE_OF:
            raise SettingsInvalid("id_token_alg", reason=f"is none of {', '.join(KEY_TYPE_OF)}")
        self._now = now
        self._client_id = client_id
        self._replays = MemoryReplayStore() if replays is None else replays
        transport = Urllib3Transport() if transport is None else transport
        try:
            check_address(redirect_uri, name="redirect_uri")
            self._discovery = Discovery(issuer, transport=transport)
            if signing_api is not None:
                check_address(signing_api, name="signing_api")
        except MetadataInvalid as error:
            raise SettingsInvalid("issuer or redirect_uri", reason=error.reason) from error
        self._door = LoginDoor(
            credentials=ClientCredentials(
                client_id=client_id,
                method=token_endpoint_auth_method
                or _usual_method(has_secret=bool(client_secret), has_key=private_key is not None),
                secret=Secret(client_secret) if client_secret else None,
                private_key=(
                    None
                    if private_key is None
                    else read_private_key(private_key, algorithm=private_key_algorithm)
                ),
                private_key_algorithm=private_key_algorithm,
            ),
            redirect_uri=redirect_uri,
            algorithm=id_token_alg,
            transport=transport,
            keys=ProviderKeys(
                transport=transport,
                jwks_uri=lambda at: self._discovery.metadata(now=at).jwks_uri,
                now=now,
            ),
            leeway=leeway,
            lifetime=login_lifetime,
        )
        self._signing = SigningDoor(
            self._door,
            SigningAccess(self._door),
            api=None if signing_api is None else signing_api.rstrip("/"),
        )

    def metadata(self) -> Metadata:
        """Return the provider's checked metadata.

        Raises  ProviderUnavailable; MetadataInvalid.
        """
        return self._discovery.metadata(now=self._now())

    def start_login(
        self,
        *,
        scope: Sequence[str] = ("openid",),
        acr_values: Sequence[str] = (),
        is_acr_essential: bool = False,
        claims: Mapping[str, Mapping[str, object]] | None = None,
        prompt: Sequence[str] = (),
        max_age: timedelta | None = None,
        login_hint: str | None = None,
        ui_locales: Sequence[str] = (),
        resource: str | None = None,
        capacity: Capacity | None = None,
    ) -> StartedLogin:
        """Start a sign-in: send the browser to `.url`, keep `.state_to_keep` for this browser.

        Takes   see `LoginWishes`; `acr_values` is also what `finish_login` insists on.
        Raises  ProviderUnavailable; MetadataInvalid.
        """
        wishes = LoginWishes(
            scope=tuple(scope),
            acr_values=tuple(acr_values),
            is_acr_essential=is_acr_essential,
            claims=claims,
            prompt=tuple(prompt),
            max_age=max_age,
            login_hint=login_hint,
            ui_locales=tuple(ui_locales),
            resource=resource,
            capacity=capacity,
        )
        return start_login(wishes, door=self._door, metadata=self.metadata(), now=self._now())

    def finish_login(
        self,
        callback_params: Mapping[str, str] | Iterable[tuple[str, str]],
        kept: PendingLogin,
    ) -> Login:
        """Finish the sign-in that this browser started; see `login.finish_login`."""
        return finish_login(
            callback_params, kept, door=self._door, metadata=self.metadata(), now=self._now()
        )

    def refresh(self, login: Login) -> Login:
        """Get new tokens; see `refresh.refresh`."""
        return refresh(login, door=self._door, metadata=self.metadata(), now=self._now())

    def userinfo(self, login: Login) -> VerifiedClaims:
        """Fetch what the person agreed to share; see `userinfo.fetch_userinfo`."""
        return fetch_userinfo(login, door=self._door, metadata=self.metadata(), now=self._now())

    def logout_url(
        self,
        *,
        id_token: Secret | None,
        post_logout_redirect_uri: str | None = None,
        state: str | None = None,
        ui_locales: Sequence[str] = (),
    ) -> str:
        """Return where the browser ends the session at the provider; see `logout.logout_url`."""
        return logout_url(
            metadata=self.metadata(),
            client_id=self._client_id,
            id_token=id_token,
            post_logout_redirect_uri=post_logout_redirect_uri,
            state=state,
            ui_locales=tuple(ui_locales),
        )

    def receive_backchannel_logout(self, raw_logout_token: str) -> LogoutNotice:
        """Judge a posted `logout_token`; see `logout.verify_logout_token`."""
        return verify_logout_token(
            raw_logout_token,
            door=self._door,
            metadata=self.metadata(),
            replays=self._replays,
            now=self._now(),
        )

    def request_signature(
        self,
        *,
        title: str,
        documents: Sequence[DocumentToSign],
        signers: Sequence[SignerWanted],
        level: SignatureLevel | None = None,
        reason: str = "",
        location: str = "",
        appearance: Appearance | Sequence[Appearance | None] | None = None,
        return_uri: str = "",
        webhook_uri: str = "",
        lifetime: timedelta | None = None,
        confirmation_window: timedelta | None = None,
        idempotency_key: str | None = None,
    ) -> SigningRequest:
        """Ask people to sign; see `signing_upload.SignatureWishes` and `documents`.

        Takes   signers: in the order in which they sign; return_uri, webhook_uri: of this portal.
        """
        wishes = SignatureWishes(
            title=title,
            documents=tuple(documents),
            signers=tuple(signers),
            level=level,
            reason=reason,
            location=location,
            appearance=appearance,
            return_uri=return_uri,
            webhook_uri=webhook_uri,
            lifetime=lifetime,
            confirmation_window=confirmation_window,
        )
        return request_signature(
            wishes,
            idempotency_key=idempotency_key,
            door=self._signing,
            metadata=self.metadata(),
            now=self._now(),
        )

    def signature_status(self, request_id: str, *, wait: timedelta | None = None) -> SigningRequest:
        """How a request stands; see `documents.signature_status`."""
        return signature_status(
            request_id,
            wait=wait,
            door=self._signing,
            metadata=self.metadata(),
            now=self._now(),
        )

    def fetch_signed(self, request_id: str, position: int = 0) -> SignedDocument:
        """Fetch what was signed; see `documents.fetch_signed`."""
        return fetch_signed(
            request_id,
            position,
            door=self._signing,
            metadata=self.metadata(),
            now=self._now(),
        )

    def withdraw_signature(self, request_id: str) -> SigningRequest:
        """Take a request back; see `documents.withdraw_signature`."""
        return withdraw_signature(
            request_id, door=self._signing, metadata=self.metadata(), now=self._now()
        )

    def verify_document(
        self,
        content: bytes,
        *,
        name: str = "",
        detached: Sequence[DocumentBeside] = (),
        as_portal: bool = False,
        keep: bool = False,
    ) -> VerificationReport:
        """Have a signed document checked; see `verification.verify_document`."""
        return verify_document(
            content,
            name=name,
            detached=detached,
            as_portal=as_portal,
            keep=keep,
            door=self._signing,
            metadata=self.metadata(),
            now=self._now(),
        )

    def receive_signing_event(self, raw_token: str) -> SigningEvent:
        """Judge what was posted to the webhook; see `signing_events.verify_signing_event`."""
        return verify_signing_event(
            raw_token,
            door=self._door,
            metadata=self.metadata(),
            replays=self._replays,
            now=self._now(),
        )


def _usual_method(*, has_secret: bool, has_key: bool) -> AuthMethod:
    if has_key:
        return "private_key_jwt"
    return "client_secret_basic" if has_secret else "none"
