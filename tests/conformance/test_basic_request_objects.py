"""Basic plan: request objects, which a provider takes in earnest or refuses by their own error.

Neither provider lists `none` for request objects.  Ours takes no request objects at all; the peer
takes signed ones, which proves the branch of the tests where the object counts.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping

import pytest
from jose import jws

from tests.relying_party.flow import RelyingParty
from tests.relying_party.person import Stopped
from tests.relying_party.receiver import REQUEST_OBJECT_PATH, Receiver
from tests.relying_party.tokens import encode_part


def _claims(rp: RelyingParty, request: Mapping[str, str]) -> dict[str, object]:
    now = int(time.time())
    return {
        **request,
        "iss": rp.client.client_id,
        "aud": rp.provider.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(12),
    }


def _unsigned(claims: Mapping[str, object]) -> str:
    header = encode_part(json.dumps({"alg": "none"}).encode())
    return f"{header}.{encode_part(json.dumps(claims).encode())}."


def _takes(rp: RelyingParty, algorithm: str) -> bool:
    listed = rp.metadata.get("request_object_signing_alg_values_supported", [])
    return rp.metadata.get("request_parameter_supported", False) and algorithm in listed


@pytest.mark.module(
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", form_post=True
)
def test_unsigned_request_object(rp: RelyingParty) -> None:
    """An unsigned request object is obeyed where `none` is listed; it is never ignored.

    Otherwise it is refused by request_not_supported, or by invalid_request_object where only
    signed ones are taken.

    OpenID Connect Core §3.1.2.6, §6.1.
    """
    request = rp.request()
    parameters = {**request, "request": _unsigned(_claims(rp, request))}
    if _takes(rp, "none"):
        # What is outside must not be what counts.
        rp.sign_in({**parameters, "state": "not-this-one"} | {"state": request["state"]})
        return
    arrival, _ = rp.arrive(parameters)
    taken = rp.metadata.get("request_parameter_supported", False)
    expected = "invalid_request_object" if taken else "request_not_supported"
    assert rp.check_failure(arrival, request) == expected
    assert not arrival.asked


@pytest.mark.module("oidcc-ensure-request-object-with-redirect-uri", form_post=True)
def test_request_object_with_redirect_uri(rp: RelyingParty) -> None:
    """The redirect URI in a request object wins over the one beside it.

    A provider that takes no request objects sends nobody to the one beside it, which is not
    registered.

    OpenID Connect Core §6.1, §3.1.2.6.
    """
    request = rp.request()
    bad = f"{rp.client.redirect_uri}/{secrets.token_urlsafe(6)}"
    claims = _claims(rp, request)
    if _takes(rp, "none") or _takes(rp, "HS256"):
        signed = _unsigned(claims)
        if not _takes(rp, "none"):
            signed = jws.sign(claims, rp.client.client_secret, algorithm="HS256")
        rp.sign_in({**request, "redirect_uri": bad, "request": signed})
        return
    end, _ = rp.visit({**request, "redirect_uri": bad, "request": _unsigned(claims)})
    assert not end.asked
    if isinstance(end, Stopped):
        assert 400 <= end.answer.status < 500
        assert bad not in end.answer.text
    else:
        assert rp.check_failure(end, request) == "request_not_supported"


@pytest.mark.module(
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", form_post=True
)
def test_request_uri_unsigned(rp: RelyingParty, receiver: Receiver) -> None:
    """A request_uri that leads to an unsigned object is obeyed or refused as unsupported.

    The error is request_uri_not_supported; who refuses does not fetch the object either.

    OpenID Connect Core §3.1.2.6, §6.2.
    """
    request = rp.request()
    receiver.request_object = _unsigned(_claims(rp, request))
    uri = f"{receiver.origin}{REQUEST_OBJECT_PATH}"
    parameters = {**request, "request_uri": uri}
    # Left out of the metadata it means true (Discovery 1.0 §3).
    if rp.metadata.get("request_uri_parameter_supported", True):
        rp.sign_in(parameters)
        return
    fetched = receiver.fetched
    arrival, _ = rp.arrive(parameters)
    assert rp.check_failure(arrival, request) == "request_uri_not_supported"
    assert not arrival.asked
    assert receiver.fetched == fetched
