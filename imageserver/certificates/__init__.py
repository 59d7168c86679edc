"""Certificates for HTTPS: read from a folder at the start and when they change (loading), or made (making)."""

from __future__ import annotations

from imageserver.certificates.inspection import Inspection, inspect_certificate
from imageserver.certificates.loading import CertificateBroken, Certificates, load_context
from imageserver.certificates.making import CertificateRefused, Made, make_certificate

__all__ = [
    "CertificateBroken",
    "CertificateRefused",
    "Certificates",
    "Inspection",
    "Made",
    "inspect_certificate",
    "load_context",
    "make_certificate",
]
