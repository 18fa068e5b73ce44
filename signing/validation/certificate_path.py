"""Validating a path of certificates, step by step beside the standard.

What lives here: RFC 5280 §6.1, revocation left out (`revocation` has it), and the names by which
others come to paths at all.
Source: RFC 5280 §6.1.1 to §6.1.6; RFC 9618 (policies as a graph); RFC 5914 (anchors).
Nothing here raises: a certificate that cannot be read is a finding.

The standard stops at the first fault; here the walk goes on with what there is, so that a report
can name every fault.  That changes no verdict: one finding makes the path invalid.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

from signing.validation.certificate_extensions import Extensions
from signing.validation.certificates import (
    Certificate,
    find_certificate,
    is_signed_by,
    key_with_parameters,
)
from signing.validation.name_constraints import Subtrees
from signing.validation.names import is_same_name
from signing.validation.path_building import find_paths
from signing.validation.paths import (
    ANY_PATH,
    ANY_POLICY,
    CertificatePath,
    PathFault,
    PathFinding,
    PathResult,
    PathSettings,
    TrustAnchor,
    TrustAnchors,
)
from signing.validation.policy_graph import PolicyGraph
from signing.validation.verdict import because

__all__ = [
    "ANY_PATH",
    "ANY_POLICY",
    "CertificatePath",
    "PathFault",
    "PathFinding",
    "PathResult",
    "PathSettings",
    "TrustAnchor",
    "TrustAnchors",
    "find_paths",
    "validate_path",
]

_PROCESSED: Final = frozenset(f"2.5.29.{one}" for one in (15, 19, 30, 32, 33, 36, 37, 54))
"""Extensions without which there is no verdict; of others a critical one that makes no sense."""


def validate_path(
    path: CertificatePath, *, at: datetime, settings: PathSettings = ANY_PATH
) -> PathResult:
    """What speaks against a path at a time.

    Initialisation, then each certificate from the anchor's side on: basic processing, and the
    preparation for the next one; then the wrap-up.  The numbers at the steps are the standard's.

    Takes   at: the time of interest, aware.
    Returns every finding; none means that the path is valid.  Never raises.
    A certificate that is itself an anchor is only looked at for its time.
    Does not look at revocation, nor at what the certificate of interest is for.
    Source  RFC 5280 §6.1.
    """
    walk = _Walk(path, at=at, settings=settings)
    walk.check_anchor()
    certificates = [find_certificate(one) for one in path.certificates]
    for position in reversed(range(len(certificates))):
        certificate = certificates[position]
        if certificate is None:
            walk.blame(PathFault.MALFORMED, position, "certificate_malformed", "6.1.3")
            return walk.result()
        if path.is_anchor:
            walk.check_time(certificate, position)
            walk.key = certificate.key
            return walk.result(policies=certificate.extensions.policies or frozenset())
        walk.process(certificate, position)
        if position:
            walk.prepare_next(certificate, position)
        else:
            walk.wrap_up(certificate)
    return walk.result(policies=walk.graph.user_policies(settings.policies))


class _Walk:
    """One walk along a path, with the state variables of §6.1.2."""

    def __init__(self, path: CertificatePath, *, at: datetime, settings: PathSettings) -> None:
        self._findings: list[PathFinding] = []
        self._path = path
        self._at = at
        self._settings = settings
        length = len(path.certificates)
        # 6.1.2 (a)
        self.graph = PolicyGraph()
        # 6.1.2 (b), (c)
        permitted = () if settings.permitted is None else (settings.permitted,)
        self._subtrees = Subtrees(permitted, settings.excluded)
        # 6.1.2 (d), (e), (f)
        self._explicit_policy = 0 if settings.is_explicit_policy_needed else length + 1
        self._inhibit_any_policy = 0 if settings.is_any_policy_inhibited else length + 1
        self._policy_mapping = 0 if settings.is_mapping_inhibited else length + 1
        # 6.1.2 (g), (h), (i): algorithm and parameters are in the key
        self.key = path.anchor.key
        # 6.1.2 (j)
        self._issuer = path.anchor.name
        # 6.1.2 (k)
        self._max_path_length = length
        self._from: list[datetime] = []
        self._until: list[datetime] = []

    def blame(self, fault: PathFault, position: int, code: str, step: str, **facts: str) -> None:
        """One more thing is wrong."""
        reason = because(code, step=step, position=str(position), **facts)
        self._findings.append(PathFinding(fault, position, reason))

    def check_anchor(self) -> None:
        """Whether whoever published the anchor stands for it at the time of interest."""
        anchor = self._path.anchor
        is_early = anchor.trusted_from is not None and self._at < anchor.trusted_from
        is_late = anchor.trusted_until is not None and self._at > anchor.trusted_until
        if is_early or is_late:
            last = len(self._path.certificates)
            self.blame(PathFault.ANCHOR_TIME, last, "anchor_not_trusted_then", "6.1.1(d)")

    def check_time(self, certificate: Certificate, position: int) -> None:
        """6.1.3 (a)(2)."""
        self._from.append(certificate.not_before)
        self._until.append(certificate.not_after)
        step = "6.1.3(a)(2)"
        if self._at < certificate.not_before:
            since = certificate.not_before.isoformat()
            fault = PathFault.NOT_YET_VALID
            self.blame(fault, position, "certificate_not_yet_valid", step, since=since)
        if self._at > certificate.not_after:
            until = certificate.not_after.isoformat()
            self.blame(PathFault.EXPIRED, position, "certificate_expired", step, until=until)

    def process(self, certificate: Certificate, position: int) -> None:
        """6.1.3 Basic certificate processing."""
        self._check_form(certificate, position)
        # (a)(1) the signature
        if not is_signed_by(certificate, key=self.key):
            code = "certificate_signature_broken"
            self.blame(PathFault.SIGNATURE, position, code, "6.1.3(a)(1)")
        # (a)(2); (a)(3), revocation, is for `revocation`
        self.check_time(certificate, position)
        # (a)(4) the name of the issuer
        if not is_same_name(certificate.issuer, self._issuer):
            self.blame(PathFault.NAME_CHAINING, position, "issuer_name_differs", "6.1.3(a)(4)")
        # (b), (c) its names
        if position == 0 or not certificate.is_self_issued:
            fault = self._subtrees.find_fault(certificate)
            if fault:
                self.blame(PathFault.NAME_CONSTRAINTS, position, fault, "6.1.3(b)(c)")
        # (d), (e) its policies
        policies = certificate.extensions.policies
        if policies is None:
            self.graph.clear()
        elif not self.graph.is_null:
            is_any_taken = self._inhibit_any_policy > 0 or (
                position > 0 and certificate.is_self_issued
            )
            self.graph.add(policies, is_any_taken=is_any_taken)
        # (f) whether one is left
        if self._explicit_policy == 0 and self.graph.is_null:
            self.blame(PathFault.POLICIES, position, "policy_missing", "6.1.3(f)")

    def prepare_next(self, certificate: Certificate, position: int) -> None:
        """6.1.4 Preparation for the certificate that this one issued."""
        found = certificate.extensions
        # (a), (b) policies under another name
        self._map_policies(found, position)
        # (c) the name
        self._issuer = certificate.subject
        # (d), (e), (f) the key
        self.key = key_with_parameters(certificate, inherited=self.key)
        # (g) what names may follow
        self._constrain_names(found, position)
        # (h) one certificate further
        if not certificate.is_self_issued:
            self._explicit_policy = max(self._explicit_policy - 1, 0)
            self._policy_mapping = max(self._policy_mapping - 1, 0)
            self._inhibit_any_policy = max(self._inhibit_any_policy - 1, 0)
        # (i) policy constraints
        demanded = found.policy_constraints
        if demanded is not None and demanded.require_explicit is not None:
            self._explicit_policy = min(self._explicit_policy, demanded.require_explicit)
        if demanded is not None and demanded.inhibit_mapping is not None:
            self._policy_mapping = min(self._policy_mapping, demanded.inhibit_mapping)
        # (j) anyPolicy
        if found.inhibit_any_policy is not None:
            self._inhibit_any_policy = min(self._inhibit_any_policy, found.inhibit_any_policy)
        # (k) an authority
        if certificate.version != 3 or not certificate.is_authority:
            self.blame(PathFault.BASIC_CONSTRAINTS, position, "issuer_no_authority", "6.1.4(k)")
        # (l) the length
        if not certificate.is_self_issued:
            if self._max_path_length <= 0:
                self.blame(PathFault.PATH_LENGTH, position, "path_too_long", "6.1.4(l)")
            self._max_path_length -= 1
        # (m) its own limit
        if found.basic is not None and found.basic.path_length is not None:
            self._max_path_length = min(self._max_path_length, found.basic.path_length)
        # (n) the usage of its key
        if not certificate.may("keyCertSign"):
            self.blame(PathFault.KEY_USAGE, position, "issuer_may_not_certify", "6.1.4(n)")
        # (o) what else it demands
        self._check_critical(found, position, step="6.1.4(o)")

    def wrap_up(self, certificate: Certificate) -> None:
        """6.1.5 Wrap-up procedure."""
        found = certificate.extensions
        # (a) one certificate further
        self._explicit_policy = max(self._explicit_policy - 1, 0)
        # (b) policy constraints
        demanded = found.policy_constraints
        if demanded is not None and demanded.require_explicit == 0:
            self._explicit_policy = 0
        # (c), (d), (e) the key
        self.key = key_with_parameters(certificate, inherited=self.key)
        # (f) what else it demands
        self._check_critical(found, 0, step="6.1.5(f)")
        # (g) policies of the path and of the user
        if self._explicit_policy == 0 and not self.graph.user_policies(self._settings.policies):
            self.blame(PathFault.POLICIES, 0, "policy_not_accepted", "6.1.5(g)")

    def result(self, *, policies: frozenset[str] = frozenset()) -> PathResult:
        """6.1.6 Outputs."""
        is_whole = len(self._from) == len(self._path.certificates)
        return PathResult(
            findings=tuple(dict.fromkeys(self._findings)),
            policies=policies,
            key=self.key if is_whole else b"",
            valid_from=max(self._from) if is_whole else None,
            valid_until=min(self._until) if is_whole else None,
        )

    def _check_form(self, certificate: Certificate, position: int) -> None:
        """§4.1.1.2 (both algorithms the same), §4.2 (an extension comes once and makes sense)."""
        found = certificate.extensions
        if not certificate.is_consistent:
            self.blame(PathFault.MALFORMED, position, "algorithm_differs", "4.1.1.2")
        for oid in sorted(found.twice):
            self.blame(PathFault.MALFORMED, position, "extension_twice", "4.2", oid=oid)
        for oid in sorted(found.malformed & (_PROCESSED | found.critical)):
            self.blame(PathFault.MALFORMED, position, "extension_malformed", "4.2", oid=oid)

    def _check_critical(self, found: Extensions, position: int, *, step: str) -> None:
        unknown = found.beyond_us - self._settings.known_critical
        for oid in sorted(unknown):
            code = "critical_extension_unknown"
            self.blame(PathFault.CRITICAL_EXTENSION, position, code, step, oid=oid)

    def _map_policies(self, found: Extensions, position: int) -> None:
        """6.1.4 (a), (b)."""
        if any(ANY_POLICY in pair for pair in found.mappings):
            self.blame(PathFault.POLICIES, position, "policy_mapping_any", "6.1.4(a)")
        mappings: dict[str, set[str]] = defaultdict(set)
        for issuer_policy, subject_policy in found.mappings:
            mappings[issuer_policy].add(subject_policy)
        self.graph.map(mappings, is_allowed=self._policy_mapping > 0)

    def _constrain_names(self, found: Extensions, position: int) -> None:
        """6.1.4 (g)."""
        constraints = found.name_constraints
        if constraints is None:
            return
        trees = (*(constraints.permitted or ()), *(constraints.excluded or ()))
        if not trees or any(one.has_bounds for one in trees):
            # §4.2.1.10: never an empty sequence; minimum is 0, maximum is absent
            code = "name_constraints_unsupported"
            self.blame(PathFault.NAME_CONSTRAINTS, position, code, "6.1.4(g)")
        self._subtrees = self._subtrees.and_those(constraints)
