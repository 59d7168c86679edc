"""What was found, and how it is told: as a page for a terminal, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from imageserver.doctor.words import AREAS, FOUND, HEADS, SEVERITIES, span_in
from imageserver.language import Language

_WIDTH = 100  # columns; a forum shows as many


class Severity(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@frozen
class Span:
    """A length of time in seconds, told in the reader's language."""

    seconds: float


class Plain(str):
    """A word of ours, such as a version or the name of an option: no secret, even if one is spelled like it."""

    __slots__ = ()


Fact = str | int | Span


@frozen(kw_only=True)
class Finding:
    """One thing that was looked at. The facts are safe to show: whoever adds one masks them."""

    area: str  # a key of words.AREAS
    severity: Severity
    what: str  # a key of words.FOUND
    facts: Mapping[str, Fact] = field(factory=dict)

    def says(self, language: Language) -> str:
        """A sentence about it."""
        return self._told(FOUND[self.what][language][0], language)

    def remedy(self, language: Language) -> str:
        """What to do; empty where there is nothing to do."""
        return self._told(FOUND[self.what][language][1], language)

    def _told(self, text: str, language: Language) -> str:
        facts = {
            name: span_in(language, fact.seconds) if isinstance(fact, Span) else fact
            for name, fact in self.facts.items()
        }
        return text.format(**facts)


@frozen(kw_only=True)
class Report:
    """Everything that was found, in the order in which it was looked at."""

    title: str  # version, moment
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings are as bad as that."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """1 where something is wrong, else 0."""
        return 1 if self.count(Severity.PROBLEM) else 0

    def page(self, language: Language) -> Iterator[str]:
        """The lines of the page."""
        yield self.title
        for area in AREAS:
            some = [finding for finding in self.findings if finding.area == area]
            if some:
                yield ""
                yield AREAS[area][language]
                yield from _lines(some, language)
        yield ""
        bad, odd = self.count(Severity.PROBLEM), self.count(Severity.WARNING)
        yield HEADS["sum"][language].format(problems=bad, warnings=odd)
        yield HEADS["safe"][language]

    def as_json(self, language: Language) -> dict[str, Any]:
        """The same for programs."""
        return {
            "title": self.title,
            "problems": self.count(Severity.PROBLEM),
            "warnings": self.count(Severity.WARNING),
            "findings": [
                {
                    "area": finding.area,
                    "severity": str(finding.severity),
                    "what": finding.what,
                    "says": finding.says(language),
                    "do": finding.remedy(language),
                }
                for finding in self.findings
            ],
        }


def _lines(findings: Iterable[Finding], language: Language) -> Iterator[str]:
    margin = 4 + max(len(word) for word in SEVERITIES[language].values())
    for finding in findings:
        mark = SEVERITIES[language][finding.severity]
        yield from _wrapped(finding.says(language), f"  {mark:<{margin - 4}}  ", " " * margin)
        if remedy := finding.remedy(language):
            yield from _wrapped(remedy, f"{' ' * margin}→ ", " " * (margin + 2))


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
