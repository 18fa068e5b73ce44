"""The description of the JSON endpoints keeps up with the application."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from idp.web.direct import DirectEndpoints
from tests.idp.web.conftest import Worker

_PAGES: Final = (
    "/", "/authorize", "/interaction", "/logout", "/account", "/help", "/accessibility", "/static",
    "/favicon.ico", "/sandbox", "/ca", "/log", "/sign/<string(length=36):request_id>",
    "/verify/signed", "/forgot", "/first-password", "/counter", "/helpdesk", "/stop",
)  # fmt: skip
_STANDING: Final = (
    "/jwks", "/healthz", "/readyz", "/openapi.json", "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
)  # fmt: skip


def _document(worker: Worker) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(worker.get("/openapi.json").get_data())
    return found


def _json_routes(worker: Worker) -> Iterator[tuple[str, str]]:
    for rule in worker.provider.app.url_map.iter_rules():
        if rule.rule == "/" or any(rule.rule.startswith(page) for page in _PAGES[1:]):
            continue
        for method in set(rule.methods or ()) & {"GET", "POST"}:
            if (rule.rule, method) != ("/verify", "GET"):  # a page
                yield re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower()
    direct = worker.provider.app.wsgi_app
    assert isinstance(direct, DirectEndpoints)
    for path, endpoint in direct.by_path.items():
        yield from ((path, method.lower()) for method in endpoint.methods - {"OPTIONS"})
    yield from ((path, "get") for path in _STANDING)


def test_every_json_route_is_described(worker):
    described = _document(worker)["paths"]
    routes = set(_json_routes(worker))
    assert ("/token", "post") in routes
    assert {(path, method) for path in described for method in described[path]} == routes


def test_every_reference_leads_somewhere(worker):
    """OpenAPI 3.1.1 §4.8.30."""
    document = _document(worker)
    assert document["openapi"].startswith("3.1.")
    for pointer in re.findall(r'"\$ref":"#/([^"]+)"', json.dumps(document, separators=(",", ":"))):
        found: Any = document
        for part in pointer.split("/"):
            found = found[part]
        assert found
    names = set(document["components"]["securitySchemes"])
    for path in document["paths"].values():
        for operation in path.values():
            assert {name for one in operation["security"] for name in one} <= names


def test_operations_have_names_of_their_own(worker):
    paths = _document(worker)["paths"].values()
    names = [operation["operationId"] for path in paths for operation in path.values()]
    assert len(names) == len(set(names))
