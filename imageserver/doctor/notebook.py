"""What every check is given, and where it writes down what it found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from imageserver.clock import Clock
from imageserver.config.model import Config
from imageserver.doctor.findings import Fact, Finding, Plain, Severity
from imageserver.doctor.masking import Discretion
from imageserver.language import Language

Facts = dict[str, Fact | Path]


@define(kw_only=True, eq=False)
class Notebook:
    """One examination."""

    config: Config
    environment: Mapping[str, str]
    clock: Clock
    language: Language
    discreet: Discretion = field(repr=False)
    findings: list[Finding] = field(init=False, factory=list)

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.config.data

    def good(self, area: str, what: str, **facts: Fact | Path) -> None:
        """It is as it should be."""
        self._write(area, Severity.GOOD, what, facts)

    def note(self, area: str, what: str, **facts: Fact | Path) -> None:
        """It is worth a word."""
        self._write(area, Severity.NOTE, what, facts)

    def warn(self, area: str, what: str, **facts: Fact | Path) -> None:
        """It works, and may not for long or not as its owner thinks."""
        self._write(area, Severity.WARNING, what, facts)

    def wrong(self, area: str, what: str, **facts: Fact | Path) -> None:
        """It does not work."""
        self._write(area, Severity.PROBLEM, what, facts)

    @contextmanager
    def looking_at(self, area: str) -> Iterator[None]:
        """A check that breaks off is a finding too: the others are made all the same."""
        try:
            yield
        except Exception as error:  # whatever is broken here, the owner wants the rest of the page
            why = self.discreet.strangers(f"{type(error).__name__}: {error}")
            self.warn(area, "not_looked_at", why=why)

    def _write(self, area: str, severity: Severity, what: str, facts: Mapping[str, Fact | Path]) -> None:
        safe: dict[str, Fact] = {}
        for name, fact in facts.items():
            if isinstance(fact, Path) or (isinstance(fact, str) and not isinstance(fact, Plain)):
                safe[name] = self.discreet(str(fact))
            else:
                safe[name] = fact
        self.findings.append(Finding(area=area, severity=severity, what=what, facts=safe))
