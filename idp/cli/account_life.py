"""The life of accounts as commands lead it: recorded with the operator who acts.

What lives here: `AccountLifecycle` over the services of a command.
"""

from __future__ import annotations

from idp.accounts.lifecycle import AccountLifecycle
from idp.services import Services
from keystore.destruction import DestructionList


def open_lifecycle(services: Services, operator: str) -> AccountLifecycle:
    """The acts on accounts, in the name of an operator."""
    log = services.log.in_name_of(operator)
    return AccountLifecycle(
        services.database,
        sealer=services.sealer,
        log=log,
        sign_out=services.sessions.in_name_of(operator).end_all_in,
        mandates=services.mandates.ending.in_name_of(operator),
        destructions=DestructionList(
            services.settings.effective_destruction_list, sealer=services.sealer
        ),
        signing_means=services.signing_means(log=log),
        notices=services.delivery.notices,
    )
