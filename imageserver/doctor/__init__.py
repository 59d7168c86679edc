"""`imageserver doctor`: one page on everything that an owner is asked about when something is wrong."""

from __future__ import annotations

from imageserver.doctor.examination import examine
from imageserver.doctor.findings import Finding, Report, Severity

__all__ = ["Finding", "Report", "Severity", "examine"]
