"""Signatures of releases: who signed what, and whom to believe.

`release.sig` is a detached OpenSSF Model Signing bundle over `release.json` and every file below `repository/`.
So the stock tool verifies a release as well:

    python -m model_signing verify key FOLDER --signature FOLDER/release.sig --public_key public.pem

`model_signing` takes about a second to import and is imported only where something is signed or verified.
"""

from triptych_ops.release.integrity import SIGNATURE

from .pem import NEW_KEY_PAIR
from .signer import CertificateSigner, KeySigner, Signer, SigstoreSigner, sign, sign_document
from .trust import CertificateTrust, KeyTrust, SigstoreTrust, Trust

__all__ = [
    "NEW_KEY_PAIR",
    "SIGNATURE",
    "CertificateSigner",
    "CertificateTrust",
    "KeySigner",
    "KeyTrust",
    "Signer",
    "SigstoreSigner",
    "SigstoreTrust",
    "Trust",
    "sign",
    "sign_document",
]
