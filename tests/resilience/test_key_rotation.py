"""Keys rotated in the middle of 2,000 sign-ins: no verification fails.

What lives here: two server processes, keys rotated from a third, hours compressed to seconds, and
eight clients that keep the published keys for exactly as long as the header says.
Each person gives a password once; what is counted are authorizations with tokens verified, which is
what rotation could break.  Source: architecture, "OpenID Connect" (next is published its cache time
and a margin before it signs).  Not here: the states of a key (`tests/keystore`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tests.support.deployment import Deployment, open_deployment
from tests.support.many_people import PASSWORD, invent
from tests.support.quick_browser import QuickBrowser
from tests.support.strict_jwks import StrictJwks

SIGN_INS = 2000
CLIENTS = 8
COMPRESSED = {"ANTIN_JWKS_CACHE_S": "2", "ANTIN_JWKS_MARGIN_S": "2"}
BETWEEN_ROTATIONS_S = 2.5
KEYS_SEEN = 3


def sign_in_again_and_again(deployment: Deployment, number: int) -> StrictJwks:
    """One person at one client, by single sign-on; every token is verified at once.

    On a fast machine it goes on until the keys have changed often enough to prove something.
    """
    (person,) = invent(deployment, 1)
    browser = QuickBrowser(deployment.address.port)
    client = deployment.client("RS256" if number % 4 == 3 else "ES256")
    keys = StrictJwks(lambda: browser.request("GET", "/jwks"))
    done = 0
    while done < SIGN_INS // CLIENTS or len(keys.used) < KEYS_SEEN:
        done += 1
        fields = browser.sign_in(client, identifier=person.identifier, password=PASSWORD)
        tokens = browser.exchange(client, fields["code"])
        assert keys.verify(tokens["id_token"])["aud"] == client.client_id
        assert keys.verify(tokens["access_token"])["client_id"] == client.client_id
    assert browser.passwords_given == 1
    return keys


def test_no_verification_fails_while_keys_rotate_under_two_thousand_sign_ins(
    tmp_path, postgresql_server, own_redis, pii_alarm
):
    pii_alarm.seed(PASSWORD, kind="the password")
    with open_deployment(
        tmp_path,
        postgresql=postgresql_server,
        redis=own_redis,
        receiver="http://127.0.0.1:1",
        settings=COMPRESSED,
    ) as deployment:
        deployment.serve(2)
        rotated = 0
        with ThreadPoolExecutor(CLIENTS) as threads:
            running = [
                threads.submit(sign_in_again_and_again, deployment, number)
                for number in range(CLIENTS)
            ]
            next_at = time.monotonic() + 1
            while not all(one.done() for one in running):
                if time.monotonic() >= next_at:
                    services = deployment.services
                    services.keyring.rotate(services.time())
                    rotated += 1
                    next_at = time.monotonic() + BETWEEN_ROTATIONS_S
                time.sleep(0.05)
            caches = [one.result() for one in running]
        pii_alarm.watch(deployment.logs(), "log of the processes")
    assert rotated >= KEYS_SEEN - 1
    for cache in caches:
        assert len(cache.used) >= KEYS_SEEN
        assert cache.fetched >= KEYS_SEEN
