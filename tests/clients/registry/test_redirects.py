"""Where a browser may be sent back to."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.registry import ApplicationType, find_redirect_problem, is_registered_redirect
from clients.registry.redirects import origin_of

WEB = ApplicationType.WEB
NATIVE = ApplicationType.NATIVE

_REGISTERED = (
    "https://portal.example/callback",
    "https://portal.example/callback?a=b&c=%20d",
    "https://[2001:db8::1]:8443/x",
    "http://localhost:9999/callback",
    "http://127.0.0.1:9999/callback",
    "http://127.0.0.1/app",
    "http://[::1]/app?x=y",
    "vn.example.app:/callback",
)
_POSITIONS = st.integers(min_value=0, max_value=80)
_CHARACTERS = st.sampled_from(string.printable + "éА．／＠\u200b\u202e\ufeff\x00\\")


def _matches(uri: str, application_type: ApplicationType = WEB) -> bool:
    return is_registered_redirect(uri, registered=_REGISTERED, application_type=application_type)


@pytest.mark.parametrize("uri", _REGISTERED)
@pytest.mark.parametrize("application_type", [WEB, NATIVE])
def test_the_registered_address_itself_matches(uri: str, application_type: ApplicationType) -> None:
    assert _matches(uri, application_type)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://portal.example/callback/",
        "https://portal.example/callback?",
        "https://portal.example/callback#",
        "https://portal.example/callback#x",
        "https://portal.example/Callback",
        "https://PORTAL.example/callback",
        "HTTPS://portal.example/callback",
        "https://portal.example:443/callback",
        "https://portal.example/%63allback",
        "https://portal.example/./callback",
        "https://portal.example/a/../callback",
        "https://portal.example//callback",
        "https://portal.example/callback?c=%20d&a=b",
        "https://portal.example.evil.example/callback",
        "https://portal.example@evil.example/callback",
        "https://evil.example/https://portal.example/callback",
        "https://sub.portal.example/callback",
        "http://portal.example/callback",
        " https://portal.example/callback",
        "https://portal.example/callback\n",
        "https://[2001:db8:0::1]:8443/x",
        "vn.example.app:/callback/x",
        "vn.example.app://callback",
    ],
)
@pytest.mark.parametrize("application_type", [WEB, NATIVE])
def test_an_address_that_is_written_differently_does_not_match(
    uri: str, application_type: ApplicationType
) -> None:
    """RFC 6749 §3.1.2.3, RFC 9700 §4.1.3: simple string comparison, RFC 3986 §6.2.1."""
    assert not _matches(uri, application_type)


@given(uri=st.sampled_from(_REGISTERED), position=_POSITIONS, character=_CHARACTERS)
def test_no_address_with_a_character_more_matches(uri: str, position: int, character: str) -> None:
    """RFC 6749 §3.1.2.3.  For web clients without exception."""
    altered = uri[:position] + character + uri[position:]
    assert not _matches(altered)


@given(uri=st.sampled_from(_REGISTERED), position=_POSITIONS, character=_CHARACTERS)
def test_no_address_with_a_character_changed_matches(
    uri: str, position: int, character: str
) -> None:
    """RFC 6749 §3.1.2.3."""
    place = position % len(uri)
    altered = uri[:place] + character + uri[place + 1 :]
    assert _matches(altered) == (altered in _REGISTERED)


@given(text=st.text(max_size=60))
def test_no_other_text_matches(text: str) -> None:
    """RFC 6749 §3.1.2.3."""
    assert _matches(text) == (text in _REGISTERED)


@given(uri=st.sampled_from(_REGISTERED), position=_POSITIONS, character=_CHARACTERS)
def test_for_native_apps_nothing_but_the_port_of_a_loopback_address_may_differ(
    uri: str, position: int, character: str
) -> None:
    """RFC 8252 §7.3, and nothing beyond it."""
    place = position % (len(uri) + 1)
    for altered in (
        uri[:place] + character + uri[place:],
        uri[:place] + character + uri[place + 1 :],
    ):
        if _matches(altered, NATIVE):
            assert altered in _REGISTERED or _without_port(altered) in {
                _without_port(known)
                for known in _REGISTERED
                if "127.0.0.1" in known or "::1" in known
            }


def _without_port(uri: str) -> str:
    """A second, naive way to take the port off a loopback address; anything else stays as it is."""
    for host in ("http://127.0.0.1", "http://[::1]"):
        if uri.startswith(f"{host}:"):
            digits, slash, path = uri.removeprefix(f"{host}:").partition("/")
            if digits.isascii() and digits.isdigit() and 1 <= int(digits) <= 65535:
                return host + slash + path
    return uri


@given(port=st.integers(min_value=1, max_value=65535))
@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:{}/callback", "http://127.0.0.1:{}/app", "http://[::1]:{}/app?x=y"],
)
def test_a_native_app_may_listen_on_any_loopback_port(uri: str, port: int) -> None:
    """RFC 8252 §7.3: the server MUST allow any port to be specified at the time of the request."""
    assert _matches(uri.format(port), NATIVE)
    assert _matches(uri.format(port), WEB) == (uri.format(port) in _REGISTERED)


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:8123/callback",
        "http://127.0.0.2:9999/callback",
        "http://127.1:9999/callback",
        "http://2130706433:9999/callback",
        "http://[::ffff:127.0.0.1]:9999/callback",
        "http://[0:0:0:0:0:0:0:1]/app?x=y",
        "https://127.0.0.1:9999/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:09999/callback",
        "http://127.0.0.1:+9999/callback",
        "http://127.0.0.1:٩/callback",
        "http://127.0.0.1:1@evil.example/callback",
        "http://127.0.0.1:1:2/callback",
        "http://127.0.0.1:9998/callback/",
        "http://127.0.0.1:9998/callback?x",
        "http://127.0.0.1:9998/callback\n",
        "http://[::1]:9998/app",
    ],
)
def test_a_native_app_gets_nothing_else_than_another_port(uri: str) -> None:
    """RFC 8252 §7.3 and §8.3."""
    assert not _matches(uri, NATIVE)


@pytest.mark.parametrize(
    "uri",
    [
        "https://portal.example",
        "https://portal.example/",
        "https://portal.example:8443/a/b?x=y%20z",
        "https://xn--cng-0ma.example/",
        "https://[2001:db8::1]/x",
        "http://127.0.0.1:9999/callback",
        "http://localhost/callback",
        "http://[::1]:3000/",
    ],
)
def test_ordinary_addresses_can_be_registered(uri: str) -> None:
    assert find_redirect_problem(uri, application_type=WEB) is None


@pytest.mark.parametrize(
    "uri",
    ["vn.example.app:/callback", "com.example.a-b:/oauth?x=y", "vn.gov.app://callback"],
)
def test_a_scheme_of_its_own_is_for_native_apps(uri: str) -> None:
    """RFC 8252 §7.1."""
    assert find_redirect_problem(uri, application_type=NATIVE) is None
    assert find_redirect_problem(uri, application_type=WEB) is not None


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("", "character"),
        ("portal.example/callback", "absolute"),
        ("/callback", "absolute"),
        ("//portal.example/callback", "absolute"),
        ("https:/portal.example/callback", "no host"),
        ("https:portal.example", "no host"),
        ("https:///callback", "no host"),
        ("https://portal.example/callback#", "fragment"),
        ("https://portal.example/#/callback", "fragment"),
        ("https://*.portal.example/callback", "wildcard"),
        ("https://portal.example/*", "wildcard"),
        ("https://user@portal.example/", "user name"),
        ("https://user:secret@portal.example/", "user name"),
        ("https://portal.example\\@evil.example/", "character"),
        ("https://portal.example/a b", "character"),
        ("https://portal.example/\t", "character"),
        ("https://portal.example/\x00", "character"),
        ("https://portal.example/%zz", "character"),
        ("https://cổng.example/", "character"),
        ("https://portal.example/<x>", "character"),
        ("https://portal.example/../x", "dot segments"),
        ("https://portal.example/a/%2e%2E/x", "dot segments"),
        ("https://portal.example:0/", "port"),
        ("https://portal.example:/", "port"),
        ("https://portal.example:65536/", "malformed"),
        ("https://portal.example:1x/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://portal..example/", "host"),
        ("https://-portal.example/", "host"),
        ("https://por_tal.example/", "host"),
        ("https://portal.example./", "host"),
        ("http://portal.example/callback", "https"),
        ("http://127.0.0.2/callback", "https"),
        ("http://localhost.evil.example/", "https"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,x", "scheme"),
        ("ftp://portal.example/", "scheme"),
        ("HTTPS://portal.example/", "scheme"),
        ("https://portal.example/" + "a" * 2000, "longer"),
    ],
)
def test_what_cannot_be_registered_is_refused_with_its_reason(uri: str, reason: str) -> None:
    """RFC 6749 §3.1.2, RFC 9700 §4.1.3, RFC 3986 §2 and §3.2."""
    assert reason in (find_redirect_problem(uri, application_type=WEB) or "")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("app:/callback", "dot"),
        ("javascript:/alert(1)", "dot"),
        ("data:/text", "dot"),
        ("Vn.Example:/callback", "dot"),
        ("vn.:/callback", "dot"),
        ("vn.example.app:callback", "slash"),
        ("vn.example.app:/call#back", "fragment"),
        ("vn.example.app:/*", "wildcard"),
    ],
)
def test_a_scheme_that_others_could_share_is_refused(uri: str, reason: str) -> None:
    """RFC 8252 §7.1 and §8.4: a domain name in reverse, with at least one dot."""
    assert reason in (find_redirect_problem(uri, application_type=NATIVE) or "")


@given(text=st.text(max_size=80))
@pytest.mark.parametrize("application_type", [WEB, NATIVE])
def test_any_text_is_judged_without_failing(text: str, application_type: ApplicationType) -> None:
    if find_redirect_problem(text, application_type=application_type) is None:
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set("#*\\ ")


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://portal.example/callback?x=y", "https://portal.example"),
        ("http://127.0.0.1:9999/callback", "http://127.0.0.1:9999"),
        ("http://[::1]:9999/callback", "http://[::1]:9999"),
        ("vn.example.app:/callback", "vn.example.app:"),
    ],
)
def test_the_origin_is_what_a_content_security_policy_wants(uri: str, origin: str) -> None:
    assert origin_of(uri) == origin
