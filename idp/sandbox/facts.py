"""What a sandbox says of itself: `var/sandbox.json`, and the terminal.

What lives here: the facts for programs and the lines for people.  Source: architecture,
"Contracts".  Not here: the page that shows them (`home.py`), starting it (`command.py`).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from idp.sandbox.files import write_whole
from idp.sandbox.invented_people import PEOPLE
from idp.sandbox.plan import Plan


def sandbox_facts(plan: Plan, *, registers: str, with_portals: bool) -> dict[str, Any]:
    """The members of `var/sandbox.json`.  Architecture, "Contracts"."""
    portals = [
        {"name": "Cổng dịch vụ công", "url": plan.citizen_url},
        {"name": "Cổng doanh nghiệp", "url": plan.business_url},
    ]
    return {
        "issuer": plan.settings.issuer,
        "ca_file": None if plan.certificate is None else str(plan.certificate.absolute()),
        "portals": portals if with_portals else [],
        "registers": registers,
        "clients": _client_facts(plan),
        "people": [
            {
                "identifier": person.identifier,
                "password": person.password,
                "totp_secret": person.totp_text if person.has_totp else None,
                "name": person.name,
                "account_level": int(person.level),
                "organizations": [
                    {"enterprise_code": one.code, "name": one.name} for one in person.organisations
                ],
                "duties": [duty.value for duty in person.duties],
            }
            for person in PEOPLE
        ],
    }


def _client_facts(plan: Plan) -> list[dict[str, Any]]:
    entries = [entry for document in plan.registry_documents() for entry in document.clients]
    return [
        {
            "client_id": entry.client.client_id,
            "client_secret": entry.raw_secret,
            "token_endpoint_auth_method": entry.client.token_endpoint_auth_method.value,
            "redirect_uris": list(entry.client.redirect_uris),
            "post_logout_redirect_uris": list(entry.client.post_logout_redirect_uris),
            "profile": entry.client.profile.value,
            "pkce": entry.client.pkce.value,
        }
        for entry in entries
    ]


def say(plan: Plan, *, registers: str, with_portals: bool) -> None:
    """Write `var/sandbox.json`, and what people need to the terminal.

    Takes   registers: where both simulated registers are, with their page of switches.
    """
    facts = sandbox_facts(plan, registers=registers, with_portals=with_portals)
    file = plan.settings.var / "sandbox.json"
    write_whole(file, json.dumps(facts, ensure_ascii=False, indent=2))
    lines = ["", "Ấn Tín SANDBOX", f"  provider  {facts['issuer']}"]
    lines += [f"  portal    {one['url']}  {one['name']}" for one in facts["portals"]]
    lines += [f"  registers {registers}  both simulated, with switches"]
    antin = os.path.relpath(sys.argv[0])  # as it can be typed from here
    lines += ["", "  people (number, password, name):"]
    lines += [
        f"    {person['identifier']}  {person['password']:24}  {person['name']}"
        + (f" ({', '.join(person['duties'])})" if person["duties"] else "")
        for person in facts["people"]
    ]
    lines += ["", f"  one-time code:         {antin} otp {PEOPLE[0].identifier}"]
    lines += [
        f"  activation code for {person.name}, who has no app yet:\n"
        f"                         {antin} accounts activation-code {person.identifier}"
        for person in PEOPLE
        if not person.has_totp
    ]
    lines += ["", f"  all of it, for programs: {file}", "  Ctrl-C ends everything", ""]
    click.echo("\n".join(lines))
