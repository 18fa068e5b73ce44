"""The discovery documents: what this provider can do, as constant bytes.

What lives here: the members.  What is listed here works; what does not work is not listed.
Source: OpenID Connect Discovery §3; RFC 8414 §2; RFC 9207 §3; Back-Channel Logout §2.2;
RP-Initiated Logout §2.1; RFC 7636 (`code_challenge_methods_supported`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from idp.oauth.assurance import ACR_SUPPORTED
from idp.oauth.client_auth import ASSERTION_ALGORITHMS
from idp.oauth.scopes import CLAIMS_SUPPORTED, SCOPE_CLAIMS


def discovery_members(issuer: str) -> dict[str, Any]:
    """The members of both documents, in a readable order."""
    auth_methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    assertion_algorithms = sorted(ASSERTION_ALGORITHMS)
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "end_session_endpoint": f"{issuer}/logout",
        "scopes_supported": list(SCOPE_CLAIMS),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "acr_values_supported": list(ACR_SUPPORTED),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "userinfo_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported": [*auth_methods, "none"],
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "revocation_endpoint_auth_methods_supported": [*auth_methods, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "introspection_endpoint_auth_methods_supported": auth_methods,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "display_values_supported": ["page", "popup", "touch"],
        "claim_types_supported": ["normal"],
        "claims_supported": list(CLAIMS_SUPPORTED),
        "claims_locales_supported": ["vi-VN"],
        "ui_locales_supported": ["vi", "en"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "code_challenge_methods_supported": ["S256"],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "service_documentation": f"{issuer}/help",
    }


def discovery_document(issuer: str) -> bytes:
    """Both documents as JSON; they differ in nothing."""
    return msgspec.json.encode(discovery_members(issuer))
