"""`/ca/…` over a small authority."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from idp.storage.database import Database
from keystore.keyring import Keyring
from keystore.pki.authority import Authorities
from keystore.purposes import CA_ISSUING
from keystore.web.answer import WebAnswer, WebRequest
from keystore.web.certificates import CertificatesEndpoint
from tests.support.pki import ISSUING_ID, ROOT_ID, SmallPki
from tests.support.real_pki import make_deployment


@pytest.fixture
def endpoint(database: Database, sealer, log) -> CertificatesEndpoint:
    keyring = Keyring(database, sealer, log=log, purpose=CA_ISSUING)
    return CertificatesEndpoint(
        Authorities(database, keyring=keyring, log=log, deployment=make_deployment())
    )


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now)
    made.store(database)
    return made


def _get(endpoint, path: str, now: datetime, **changes: str) -> WebAnswer:
    return endpoint.answer(WebRequest(changes.pop("method", "GET"), path, **changes), now=now)


def test_an_authoritys_certificate_is_where_certificates_say(endpoint, pki, now) -> None:
    """RFC 5280 §4.2.2.1: a single DER certificate, application/pkix-cert."""
    access = pki.citizen.certificate.extensions.get_extension_for_class(
        x509.AuthorityInformationAccess
    ).value
    (issuer,) = [one for one in access if one.access_method._name == "caIssuers"]
    path = issuer.access_location.value.removeprefix(pki.base_url)
    answer = _get(endpoint, path, now)
    assert (answer.status, answer.content_type) == (200, "application/pkix-cert")
    assert answer.body == pki.issuing.der


def test_the_same_as_pem_and_the_chain_as_one_file(endpoint, pki: SmallPki, now) -> None:
    assert _get(endpoint, f"/ca/{ROOT_ID}.pem", now).body == pki.root.pem
    bundle = _get(endpoint, f"/ca/{ISSUING_ID}.p7c", now)
    assert bundle.content_type == "application/pkcs7-mime"
    found = set(pkcs7.load_der_pkcs7_certificates(bundle.body))
    assert found == {pki.issuing.certificate, pki.root.certificate}


def test_what_was_fetched_before_is_not_sent_again(endpoint, pki: SmallPki, now) -> None:
    path = f"/ca/{ISSUING_ID}.cer"
    first = dict(_get(endpoint, path, now).headers)
    assert "max-age" in first["Cache-Control"]
    for header in (first["ETag"], f'"x", {first["ETag"]}', "*"):
        again = _get(endpoint, path, now, if_none_match=header)
        assert (again.status, again.body) == (304, b"")
    assert _get(endpoint, path, now, if_none_match='"other"').status == 200


@pytest.mark.parametrize(
    "path", ["/ca/", "/ca/nobody.cer", "/ca/test-root", "/ca/../../etc/passwd", "/ca/%00.cer", ""]
)
def test_other_paths_are_not_found(endpoint, pki: SmallPki, now: datetime, path: str) -> None:
    assert _get(endpoint, path, now).status == 404
    assert _get(endpoint, path, now, method="POST").status == 405
    assert _get(endpoint, path, now, if_none_match="*").status == 404


def test_a_new_authority_is_found_within_seconds(endpoint, database, now: datetime) -> None:
    path = f"/ca/{ISSUING_ID}.cer"
    assert _get(endpoint, path, now).status == 404
    pki = SmallPki(now)
    pki.store(database)
    assert _get(endpoint, path, now).status == 404
    assert _get(endpoint, path, now + timedelta(seconds=5)).body == pki.issuing.der
