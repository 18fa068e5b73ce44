"""Reading parameters: each once, whole, in UTF-8, of a sane size."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oauth.errors import InvalidRequest, MalformedParameters
from idp.oauth.parameters import MAX_BYTES, MAX_FIELDS, Parameters, parse_parameters


def refusal(raw: bytes) -> str:
    with pytest.raises(MalformedParameters) as refused:
        parse_parameters(raw)
    return refused.value.detail


def test_values_are_decoded_as_a_form() -> None:
    parameters = parse_parameters(b"state=a%2Bb+c&login_hint=%E1%BA%A4n")
    assert parameters.get("state") == "a+b c"
    assert parameters.get("login_hint") == "Ấn"
    assert "nonce" not in parameters
    assert sorted(parameters) == ["login_hint", "state"]


def test_an_empty_value_counts_as_absent() -> None:
    """RFC 6749 §3.1: parameters sent without a value MUST be treated as omitted."""
    parameters = parse_parameters(b"prompt=&prompt=none&nonce=&state")
    assert parameters.get("prompt") == "none"
    assert "nonce" not in parameters
    assert "state" not in parameters
    parameters.refuse_repeated()


def test_a_parameter_sent_twice_is_refused() -> None:
    """RFC 6749 §3.1: parameters MUST NOT be included more than once."""
    parameters = parse_parameters(b"scope=openid&scope=openid&state=s")
    assert parameters.is_repeated("scope")
    assert parameters.get("scope") is None
    assert parameters.get("state") == "s"
    with pytest.raises(InvalidRequest):
        parameters.refuse_repeated()


def test_only_resource_may_repeat() -> None:
    """RFC 8707 §2: multiple resource parameters may be used."""
    parameters = parse_parameters(b"resource=https://a.example&resource=https://b.example")
    parameters.refuse_repeated()
    assert parameters.all("resource") == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "raw", [b"a=%ff", b"a=%c3%28", b"%e1%ba=1", "a=Ấn".encode(), b"a=%ed%a0%80"]
)
def test_what_is_not_utf8_is_refused(raw: bytes) -> None:
    """RFC 6749 Appendix B: encoded as UTF-8."""
    assert refusal(raw) == "invalid_utf8"


@pytest.mark.parametrize("sign", ["%00", "%0a", "%0d%0aSet-Cookie:x", "%1b", "%7f", "%09"])
def test_control_characters_are_refused_in_names_and_values(sign: str) -> None:
    """RFC 6749 Appendix A: no parameter has characters below %x20."""
    assert refusal(f"state=a{sign}".encode()) == "control_character"
    assert refusal(f"a{sign}=1".encode()) == "control_character"


def test_absurd_sizes_are_refused() -> None:
    assert refusal(b"a=" + b"x" * MAX_BYTES) == "too_large"
    assert refusal(b"state=" + b"x" * 8193) == "too_large"
    assert refusal(b"x" * 101 + b"=1") == "too_large"
    assert refusal(b"&".join(b"a%d=1" % n for n in range(MAX_FIELDS + 1))) == "too_many"
    assert (
        len(parse_parameters(b"id_token_hint=" + b"x" * 16_000).get("id_token_hint") or "")
        == 16_000
    )


@given(st.binary(max_size=300))
def test_no_input_crashes_the_parser(raw: bytes) -> None:
    try:
        parameters = parse_parameters(raw)
    except MalformedParameters:
        return
    for name in parameters:
        assert all(
            (value and value.isprintable()) or not _has_control(value)
            for value in parameters.all(name)
        )


def _has_control(value: str) -> bool:
    return any(sign < " " or sign == "\x7f" for sign in value)


_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(_WORDS, _WORDS), max_size=8))
def test_what_was_sent_is_what_is_read(pairs: list[tuple[str, str]]) -> None:
    parameters = parse_parameters(urlencode(pairs).encode())
    assert {name: parameters.all(name) for name in parameters} == {
        name: tuple(value for other, value in pairs if other == name) for name, _ in pairs
    }
    for name, value in dict(pairs).items():
        sent = [one for other, one in pairs if other == name]
        assert parameters.get(name) == (value if len(sent) == 1 else None)


def test_pairs_may_be_given_directly() -> None:
    assert Parameters([("a", "1"), ("b", "")]).get("a") == "1"
