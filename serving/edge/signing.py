"""Signatures of bundles: who made the manifest, which has the hashes of all other files. Ed25519 (RFC 8032).

The signature is of the manifest's bytes as they are, 64 raw bytes beside it; OpenSSL reads and writes the same:

    openssl pkeyutl -verify -pubin -inkey bundle.pub -rawin -in edge/manifest.json -sigfile edge/manifest.sig
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from serving.edge.errors import BundleError, EdgeError
from serving.edge.manifest import FILE
from serving.protocol.extras import needs

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE_FILE = "manifest.sig"
EXTRA = "signatures"


def check(folder: str, text: bytes, trusted_key: bytes) -> None:
    """Checks that the owner of a key has signed a manifest.

    Args:
        folder: The bundle, with the signature.
        text: The manifest, as it was read.
        trusted_key: The public key, PEM.

    Raises:
        BundleError: If it is not signed, or not by this key.
        EdgeError: If the key is none.
    """
    with needs(EXTRA):
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    try:
        key = load_pem_public_key(trusted_key)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EdgeError(f"the trusted key cannot be used: expected a public Ed25519 key as PEM ({error})") from error
    if not isinstance(key, Ed25519PublicKey):
        raise EdgeError(f"the trusted key cannot be used: expected a public Ed25519 key, it is {type(key).__name__}")
    path = os.path.join(folder, SIGNATURE_FILE)
    try:
        with open(path, "rb") as file:
            signature = file.read(1024)
    except OSError as error:
        raise BundleError(
            f"{folder} is not signed, and a trusted key was given: {error.strerror} ({path}); do not use it, or ask "
            "its maker to sign it"
        ) from error
    try:
        key.verify(signature, text)
    except InvalidSignature:
        raise BundleError(
            f"{folder} is not signed by the owner of the trusted key, or was changed afterwards; do not use it"
        ) from None


def sign(folder: str, key_file: str) -> bytes:
    """Signs a bundle: writes `manifest.sig`. A key that is not there is made.

    Args:
        folder: The bundle.
        key_file: The private key, PEM, unencrypted; readable by its owner alone.

    Returns:
        The public key, PEM: what `check` takes.

    Raises:
        EdgeError: If the key or the bundle cannot be read or written.
    """
    with needs(EXTRA):
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    try:
        key = _private_key(key_file)
        with open(os.path.join(folder, FILE), "rb") as file:
            signature = key.sign(file.read())
        with open(os.path.join(folder, SIGNATURE_FILE), "wb") as file:
            file.write(signature)
    except OSError as error:
        raise EdgeError(f"cannot sign {folder}: {error.strerror} ({error.filename})") from error
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _private_key(path: str) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    if not os.path.exists(path):
        made = Ed25519PrivateKey.generate()
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made
    with open(path, "rb") as file:
        content = file.read()
    try:
        key = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EdgeError(f"cannot use {path}: expected a private Ed25519 key as PEM, unencrypted ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise EdgeError(f"cannot use {path}: expected a private Ed25519 key, it is {type(key).__name__}")
    return key
