"""What can go wrong with certificates, as data.

What lives here: the errors of certificates, their authorities and enrolment.  None carries a name
or a number of a person: `field` names what is wrong, the value stays with whoever sent it.
"""

from __future__ import annotations

from typing import ClassVar

from keystore.errors import KeystoreError


class PkiError(KeystoreError):
    """Root of every reason not to issue, change or show a certificate."""

    code: ClassVar[str] = "pki_error"


class DeploymentInvalid(PkiError):
    """What the deployment says about its certificates cannot be put into one."""

    code: ClassVar[str] = "pki_deployment_invalid"

    def __init__(self, field: str, *, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class NameRefused(PkiError):
    """A subject that cannot stand in a certificate.

    `reason` is missing, control_character, malformed or too_long.
    """

    code: ClassVar[str] = "name_refused"

    def __init__(self, field: str, *, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class CsrRefused(PkiError):
    """A certification request that is not acted on.

    `reason` is too_large, malformed, weak_key, key_type, signature, signature_algorithm, extension,
    key_already_certified, other_key or name; `field` is the attribute of the name.
    """

    code: ClassVar[str] = "csr_refused"

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(f"{reason}: {field}" if field else reason)
        self.reason = reason
        self.field = field


class ChainRefused(PkiError):
    """A certificate from another authority that is not the one that was asked for.

    `reason` is malformed, other_key, other_name, signature, not_yet_valid, expired, not_a_ca,
    path_length, is_a_ca, key_usage, no_anchor, too_long, weak_key or already_there.
    """

    code: ClassVar[str] = "chain_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CaUnknown(PkiError):
    """There is no such authority, or none that may issue."""

    code: ClassVar[str] = "ca_unknown"

    def __init__(self, ca_id: str) -> None:
        super().__init__(ca_id)
        self.ca_id = ca_id


class CaRefused(PkiError):
    """An authority cannot be made or used like this.

    `reason` is id, already_there, retired, expired, revoked, key_unavailable, not_issuing,
    not_offline, not_external, external or wrong_root_key.
    """

    code: ClassVar[str] = "ca_refused"

    def __init__(self, ca_id: str, *, reason: str) -> None:
        super().__init__(f"{ca_id}: {reason}")
        self.ca_id = ca_id
        self.reason = reason


class CertificateUnknown(PkiError):
    """No certificate has this serial number."""

    code: ClassVar[str] = "certificate_unknown"


class CertificateAmbiguous(PkiError):
    """Several authorities gave this serial number; `ca_ids` says which: name one."""

    code: ClassVar[str] = "certificate_ambiguous"

    def __init__(self, ca_ids: tuple[str, ...]) -> None:
        super().__init__(", ".join(ca_ids))
        self.ca_ids = ca_ids


class CertificateStateRefused(PkiError):
    """The certificate is not in a state for this: `state` is good, suspended, revoked, expired."""

    code: ClassVar[str] = "certificate_state_refused"

    def __init__(self, *, serial: int, state: str) -> None:
        super().__init__(f"{serial:x}: {state}")
        self.serial = serial
        self.state = state


class ProfileRefused(PkiError):
    """A profile that does not fit what is asked for; `reason` is what does not, such as subject."""

    code: ClassVar[str] = "profile_refused"

    def __init__(self, profile: str, *, reason: str) -> None:
        super().__init__(f"{profile}: {reason}")
        self.profile = profile
        self.reason = reason


class EnrolmentUnknown(PkiError):
    """No such request waits for an answer of an external authority."""

    code: ClassVar[str] = "enrolment_unknown"


class ServiceCertificateMissing(PkiError):
    """A service key that needs a certificate has none at this instant."""

    code: ClassVar[str] = "service_certificate_missing"

    def __init__(self, profile: str) -> None:
        super().__init__(profile)
        self.profile = profile


class RequestMalformed(PkiError):
    """An OCSP request that is not one, or that we do not take.

    `reason` is too_long, syntax, version, number_of_certificates, hash_algorithm, serial_number,
    extension_twice, critical_extension or nonce.
    """

    code: ClassVar[str] = "ocsp_request_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
