"""HubSpot's signatures: the published vectors, and everything that must be refused."""

from __future__ import annotations

import random

import pytest

from connectors.errors import Rejected
from connectors.secret import Secret
from connectors.signature import decode_uri, sign_v1, sign_v2, sign_v3, verify_hubspot

OLD_SECRET = b"yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
EVENT = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
    b'"changeFlag":"NEW","appId":54321}]'
)
URI = "https://example.test/path?q=%3a%2f%3f%40%21%24%27%28%29%2A%2c%3B&keep=%20%26%3D%25"
BODY = b'{"hello":"world"}'
AT = 1_700_000_000_000
SIGNATURE = "FhSZmmHFCVseGt3WeM6l5TdvzRxyHG3Or+1Udj4PokI="
SECRETS = [Secret("test-secret")]
HEADERS = {"x-hubspot-signature-v3": SIGNATURE, "x-hubspot-request-timestamp": str(AT)}


def accepted(
    headers: dict[str, str], *, method: str = "POST", uri: str = URI, body: bytes = BODY, now: int = AT,
    secrets: list[Secret] = SECRETS, accept: tuple[str, ...] = ("v3",),
) -> bool:  # fmt: skip
    try:
        verify_hubspot(headers, method, uri, body, secrets, now, accept=accept)
    except Rejected:
        return False
    return True


def test_the_published_vectors_come_out() -> None:
    assert sign_v1(OLD_SECRET, EVENT) == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
    assert sign_v2(OLD_SECRET, "GET", "https://www.example.com/webhook_uri", b"") == (
        "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    )
    assert sign_v3(b"test-secret", "POST", URI, BODY, str(AT)) == SIGNATURE


@pytest.mark.parametrize(
    ("escape", "char"),
    [
        ("%3A", ":"), ("%2F", "/"), ("%3F", "?"), ("%40", "@"), ("%21", "!"), ("%24", "$"),
        ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*"), ("%2C", ","), ("%3B", ";"),
    ],
)  # fmt: skip
def test_twelve_escapes_are_decoded_in_either_case(escape: str, char: str) -> None:
    assert decode_uri(f"https://a.test/?x={escape}{escape.lower()}") == f"https://a.test/?x={char}{char}"


def test_all_other_escapes_stay_and_decoding_is_one_pass() -> None:
    assert decode_uri("https://a.test/?x=%20%26%3D%25%253A#part") == "https://a.test/?x=%20%26%3D%25%253A"


def test_a_signed_request_is_accepted() -> None:
    assert accepted(HEADERS)


@pytest.mark.parametrize(
    ("late_ms", "right"),
    [(0, True), (299_000, True), (300_000, True), (300_001, False), (-300_000, True), (-300_001, False),
     (365 * 86_400_000, False), (-365 * 86_400_000, False)],
)  # fmt: skip
def test_a_request_is_good_for_five_minutes_in_both_directions(late_ms: int, right: bool) -> None:
    assert accepted(HEADERS, now=AT + late_ms) is right


def test_both_secrets_of_a_rotation_are_accepted() -> None:
    assert accepted(HEADERS, secrets=[Secret("new"), Secret("test-secret")])
    assert not accepted(HEADERS, secrets=[Secret("new")])
    assert not accepted(HEADERS, secrets=[])
    assert not accepted(HEADERS, secrets=[Secret("")])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hubspot-signature-v3": SIGNATURE},
        {"x-hubspot-request-timestamp": str(AT)},
        {**HEADERS, "x-hubspot-request-timestamp": ""},
        {**HEADERS, "x-hubspot-request-timestamp": "1e12"},
        {**HEADERS, "x-hubspot-request-timestamp": "\u0661\u0667" + "\u0660" * 11},  # Arabic digits
        {**HEADERS, "x-hubspot-request-timestamp": "9" * 400},
        {**HEADERS, "x-hubspot-signature-v3": ""},
        {**HEADERS, "x-hubspot-signature-v3": "é"},
        {**HEADERS, "x-hubspot-signature-v3": "\udcff"},
        {**HEADERS, "x-hubspot-signature-v3": SIGNATURE + "="},
    ],
)
def test_a_request_without_a_right_signature_is_refused_and_nothing_else_happens(headers: dict[str, str]) -> None:
    assert not accepted(headers)


def test_other_method_path_or_body_is_refused() -> None:
    assert not accepted(HEADERS, method="PUT")
    assert not accepted(HEADERS, uri=URI + "&x=1")
    assert not accepted(HEADERS, body=BODY + b" ")
    assert not accepted(HEADERS, body=b"\xff\xfe")


def test_no_single_bit_of_a_request_can_be_turned() -> None:
    dice = random.Random(7)
    for _ in range(2_000):
        body = bytearray(BODY)
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
        assert not accepted(HEADERS, body=bytes(body))


def test_older_versions_count_only_when_asked_for() -> None:
    v1 = {"x-hubspot-signature": sign_v1(b"test-secret", BODY), "x-hubspot-signature-version": "v1"}
    v2 = {"x-hubspot-signature": sign_v2(b"test-secret", "POST", URI, BODY), "x-hubspot-signature-version": "v2"}
    assert not accepted(v1)
    assert not accepted(v2)
    assert accepted(v1, accept=("v3", "v1"))
    assert accepted(v2, accept=("v3", "v2"))
    assert not accepted(v2, accept=("v3", "v1"))


def test_a_wrong_new_signature_is_not_saved_by_a_right_old_one() -> None:
    both = {**HEADERS, "x-hubspot-signature-v3": "bad", "x-hubspot-signature": sign_v1(b"test-secret", BODY)}
    assert not accepted(both, accept=("v3", "v1"))
