"""Judges manifest files by every rule, and says what it did not judge."""

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from . import loader
from .exceptions import Exceptions
from .manifests import (
    NO_MANIFEST,
    NotAManifestError,
    Source,
    UnreadableError,
    chart_of,
    documents,
    is_manifest,
    sources,
    whole_chart,
)
from .position import Positions
from .result import NOT_EVALUATED, Problem, Result, Tally, shown
from .rules import all_rules, cross_resource_rules
from .rules._cross_resource import Observation
from .rules._keys import key_in
from .rules._model import Finding, Rule, Verdict, judge
from .rules._subject import Subject, subjects_of_manifest

if TYPE_CHECKING:
    from .charts import Rendering

_UNRENDERED = (
    "not evaluated: a chart's template is no manifest before Helm has rendered it, and there is no "
    "helm on PATH that does"
)
_NOTHING = "not evaluated: the template gives nothing with the chart's own values"
# What takes less than a second, whatever stands in it.
_LOOKED_THROUGH = 8 * 1024 * 1024
_Found = Iterator[Result | Problem]


class Scanner:
    """Judges sources by every rule; keeps the figures."""

    def __init__(self, exceptions: Exceptions, *, accepts_unjudged: bool = False) -> None:
        self.tally = Tally(accepts_unjudged)
        self._exceptions = exceptions
        self._rules = all_rules()
        self._not_evaluated = next(rule for rule in self._rules if rule.name == NOT_EVALUATED)
        self._cross_resource = cross_resource_rules()
        self._observations: dict[str, list[Observation]] = {}
        self._charts: dict[Path, Rendering | None] = {}

    def scan(self, path: str) -> _Found:
        """What is found in a file, in the files of a folder, or for ``-`` on standard input."""
        for source in sources(path):
            if isinstance(source, UnreadableError):
                yield self._problem(source)
                continue
            self.tally.files += 1
            try:
                content = source.read()
                chart = chart_of(source.name) if b"{{" in content else None
                if chart is None or source.content is not None:
                    yield from self._scan_content(source, content)
                else:
                    yield from self._scan_template(source, content, chart)
            except UnreadableError as error:
                yield self._problem(error)

    def _scan_content(self, source: Source, content: bytes) -> _Found:
        rules = self._rules
        if source.kind == "Chart" and source.content is None:
            chart = whole_chart(Path(source.name).parent)
            if (yield from self._rendering(chart)) is not None:
                rules = tuple(rule for rule in rules if rule is not self._not_evaluated)
        try:
            yield from self.judged(source, documents(source, content), rules=rules)
        except NotAManifestError as error:
            yield self._passed_over(source.name, error.line, error.column)
            yield from self._keys(source, content)
        except UnreadableError:
            yield from self._keys(source, content)
            raise

    def _scan_template(self, source: Source, content: bytes, chart: Path) -> _Found:
        """What a template gives where helm can render it; else what can be read of it as it is."""
        rendering = yield from self._rendering(chart)
        if rendering is None:
            # What stands between the placeholders may be YAML that can be judged.
            try:
                parsed = list(loader.documents(content))
            except loader.NotYamlError:
                parsed = []
                yield from self._keys(source, content)
            yield from self.judged(source, parsed)
            yield self._unevaluated(source.name, _UNRENDERED)
            return
        yield from self._keys(source, content)
        rendered = rendering.get(Path(source.name), [])
        given = False
        for document in self._objects_of(source, rendered):
            given = given or document is not None
            yield from self.judged(source, [document], placed=False)
        if not given:
            yield self._unevaluated(source.name, _NOTHING)

    def _rendering(self, chart: Path) -> "Generator[Problem, None, Rendering | None]":
        """The documents by file, as the generator's value; None where nothing renders them."""
        # Only where there is a chart: what it needs costs as much as a small scan.
        from . import charts  # noqa: PLC0415

        if chart not in self._charts:
            self._charts[chart] = None
            try:
                self._charts[chart] = charts.rendered(chart)
            except charts.ChartError as error:
                yield self._problem(UnreadableError(str(chart / "Chart.yaml"), str(error)))
        return self._charts[chart]

    def _objects_of(self, source: Source, rendered: Iterable[bytes]) -> Iterator[object]:
        try:
            for content in rendered:
                yield from loader.documents(content)
        except loader.NotYamlError as error:
            why = f"kubectl cannot read what helm makes of this: {error}"
            raise UnreadableError(source.name, why) from None

    def judged(
        self,
        source: Source,
        parsed: Iterable[object],
        *,
        rules: tuple[Rule, ...] | None = None,
        placed: bool = True,
    ) -> _Found:
        """What the rules find; `placed` when places in the document are those in the file."""
        positions: Positions | None = None
        foreign = False
        for number, document in enumerate(parsed):
            self.tally.documents += 1
            # Keys in plain text are looked for in any document.
            foreign = foreign or (document is not None and not is_manifest(document, source.kind))
            for subject in subjects_of_manifest(document, source.kind):
                fired: set[str] = set()
                for rule in rules or self._rules:
                    for finding in judge(rule, subject).findings:
                        place = (1, 1)
                        if placed:
                            positions = positions or Positions(source)
                            place = positions.of(number, finding.where)
                        if finding.verdict is Verdict.FIRES:
                            fired.add(rule.name)
                        yield self._result(source.name, place, subject.identity, rule, finding)
                self._collect(subject, frozenset(fired), (source, number if placed else None))
        if foreign:
            yield self._passed_over(source.name, 1, 1)

    def _keys(self, source: Source, content: bytes) -> Iterator[Problem]:
        """A key in plain text in a file that is not judged, which is not shown."""
        if len(content) > _LOOKED_THROUGH:
            why = "too large to look for keys in it, and it is not judged; split it or leave it out"
            yield self._problem(UnreadableError(source.name, why))
            return
        text = content.decode("utf-8", "replace")
        if key_in(text) is None:
            return
        for number, line in enumerate(text.splitlines(), start=1):
            sort = key_in(line)
            if sort is not None:
                why = f"{sort} stands here in plain text, in a file that is not judged; revoke it"
                yield self._problem(UnreadableError(source.name, why, number))

    def _passed_over(self, file: str, line: int, column: int) -> Problem:
        self.tally.passed_over += 1
        return Problem(file, line, column, NO_MANIFEST, passed_over=True)

    def _collect(self, subject: Subject, fired: frozenset[str], origin: object) -> None:
        for rule in self._cross_resource:
            observations = self._observations.setdefault(rule.name, [])
            observations.extend(
                observation.with_origin(origin) for observation in rule.observe(subject, fired)
            )

    def cross_resource(self, *, whole: bool) -> Iterator[Result]:
        """What rules over several resources find, after everything was scanned.

        `whole` when all there is was scanned, and not single files of it.
        """
        positions: Positions | None = None
        for rule in self._cross_resource:
            if rule.needs_all and not whole:
                continue
            for observation, finding in rule.findings(self._observations.get(rule.name, ())):
                source, number = cast("tuple[Source, int | None]", observation.origin)
                place = (1, 1)
                if number is not None:
                    if positions is None or positions.source is not source:
                        positions = Positions(source)
                    place = positions.of(number, finding.where)
                yield self._result(source.name, place, observation.identity, rule, finding)

    def _result(
        self, file: str, place: tuple[int, int], identity: str, rule: Rule, finding: Finding
    ) -> Result:
        excepted = self._exceptions.covering(rule.name, identity)
        result = Result(file, *place, shown(identity), rule, finding, excepted)
        self.tally.count(result)
        return result

    def _unevaluated(self, file: str, why: str) -> Result:
        finding = Finding.fires((), why)
        return self._result(file, (1, 1), f"template {file}", self._not_evaluated, finding)

    def _problem(self, error: UnreadableError) -> Problem:
        self.tally.problems += 1
        return Problem(error.file, error.line, error.column, str(error))
