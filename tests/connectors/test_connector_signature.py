"""HubSpot's signatures: the published vectors, and everything that must be refused."""

from __future__ import annotations

import hashlib
import random

import pytest

from connectors.errors import Rejected
from connectors.secret import Secret
from connectors.signature import decode_uri, sign_v3, verify_hubspot

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
    secrets: list[Secret] = SECRETS,
) -> bool:  # fmt: skip
    try:
        verify_hubspot(headers, method, uri, body, secrets, now)
    except Rejected:
        return False
    return True


def test_the_published_vector_comes_out() -> None:
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
    [(0, True), (299_000, True), (300_000, True), (300_001, False), (301_000, False), (-299_000, True),
     (-300_000, True), (-300_001, False), (-301_000, False),
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
        {**HEADERS, "x-hubspot-signature-v3": SIGNATURE.lower()},
        {**HEADERS, "x-hubspot-signature-v3": f" {SIGNATURE}"},
        {**HEADERS, "x-hubspot-request-timestamp": f"-{AT}"},
        {**HEADERS, "x-hubspot-request-timestamp": f"{AT}\n"},
    ],
)
def test_a_request_without_a_right_signature_is_refused_and_nothing_else_happens(headers: dict[str, str]) -> None:
    assert not accepted(headers)


def test_other_method_path_or_body_is_refused() -> None:
    assert not accepted(HEADERS, method="PUT")
    assert not accepted(HEADERS, uri=URI + "&x=1")
    assert not accepted(HEADERS, body=BODY + b" ")
    assert not accepted(HEADERS, body=b"\xff\xfe")


def test_none_of_ten_thousand_single_bits_of_a_request_can_be_turned() -> None:
    dice = random.Random(7)
    parts = [BODY, URI.encode(), SIGNATURE.encode(), str(AT).encode(), b"POST"]
    taken = 0
    for _ in range(10_000):
        which = dice.randrange(len(parts))
        turned = bytearray(parts[which])
        turned[dice.randrange(len(turned))] ^= 1 << dice.randrange(8)
        body, uri, signature, at, method = [*parts[:which], bytes(turned), *parts[which + 1 :]]
        headers = {
            "x-hubspot-signature-v3": signature.decode("latin-1"),
            "x-hubspot-request-timestamp": at.decode("latin-1"),
        }
        taken += accepted(headers, method=method.decode("latin-1"), uri=uri.decode("latin-1"), body=body)
        # Turned into its own other case an escape still means the same: HubSpot decodes either.
        taken -= decode_uri(uri.decode("latin-1")) == decode_uri(URI) and which == 1
    assert taken == 0


V1 = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
V2 = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"


def test_the_published_vectors_of_the_older_versions_are_right_and_never_accepted() -> None:
    assert hashlib.sha256(OLD_SECRET + EVENT).hexdigest() == V1
    assert hashlib.sha256(OLD_SECRET + b"GEThttps://www.example.com/webhook_uri").hexdigest() == V2
    secrets = [Secret(OLD_SECRET.decode())]
    v1 = {"x-hubspot-signature": V1, "x-hubspot-signature-version": "v1"}
    v2 = {"x-hubspot-signature": V2, "x-hubspot-signature-version": "v2"}
    for more in ({}, {"x-hubspot-request-timestamp": str(AT)}):
        assert not accepted({**v1, **more}, body=EVENT, secrets=secrets)
        assert not accepted({**v2, **more}, method="GET", uri="https://www.example.com/webhook_uri", body=b"",
                            secrets=secrets)  # fmt: skip
    assert not accepted({**v1, "x-hubspot-signature-v3": V1, "x-hubspot-request-timestamp": str(AT)}, body=EVENT,
                        secrets=secrets)  # fmt: skip


def test_a_header_that_came_twice_is_refused_even_when_one_of_the_two_is_right() -> None:
    assert not accepted({**HEADERS, "x-hubspot-signature-v3": f"{SIGNATURE}, {SIGNATURE}"})
    assert not accepted({**HEADERS, "x-hubspot-request-timestamp": f"{AT}, {AT}"})
