"""Real manifests with bytes changed, cut, moved and doubled: whatever comes, the scan ends well."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.exceptions import Exceptions
from policies.formats import FORMATS
from policies.result import Problem, Result
from policies.rules._model import Verdict
from policies.scanner import Scanner
from workshop.testing.rule_cases import FAKE_KEY, HERE, filled

pytestmark = pytest.mark.slow


def _seeds() -> Iterator[bytes]:
    yield (HERE / "manifests" / "incident.yaml").read_bytes()
    for file in sorted((HERE / "rules").glob("*.yaml")):
        for case in yaml.safe_load(file.read_text())["fires"]:
            if "UNKNOWN" not in repr(case["manifest"]):
                yield yaml.safe_dump(filled(case["manifest"]), sort_keys=False).encode()
    for file in sorted((HERE / "cross_resource").glob("*.yaml")):
        case = yaml.safe_load(file.read_text())["fires"][0]
        yield yaml.safe_dump_all(map(filled, case["resources"])).encode()


SEEDS = sorted(_seeds())
# fmt: off
_PIECES = st.binary(max_size=3) | st.sampled_from(
    [
        b"---\n", b": ", b"- ", b"\n", b"  ", b"\t", b"{", b"}", b"[", b"]", b"&a ", b"*a ",
        b"<<: *a", b"'", b'"', b"|\n", b">\n", b"#", b"!!str ", b"!!set ", b"!x ", b"? ",
        b"%YAML 1.1\n", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xc3\x28",
        b"\xf0\x9f\x90\x99", b"~", b"1e999", b"0x", b"2025-10-13", b"kind: List\nitems: ",
        b"{{ .Values.x }}", b"$(A)", FAKE_KEY.encode(),
    ]
)
# fmt: on
_EDITS = st.lists(
    st.tuples(st.integers(0, 4000), _PIECES, st.integers(0, 40), st.booleans()), max_size=6
)


def mutated(seed: bytes, edits: list[tuple[int, bytes, int, bool]]) -> bytes:
    """The seed with pieces put in, and what follows them left out or said twice."""
    for place, piece, length, twice in edits:
        at = place % (len(seed) + 1)
        after = seed[at:] if twice else seed[at + length :]
        seed = seed[:at] + piece + (seed[at : at + length] if twice else b"") + after
    return seed


def scanned(file: Path) -> str:
    """All that a scan of one file writes, in one of its forms; fails where a rule failed."""
    scanner = Scanner(Exceptions())
    out: Any = io.StringIO()
    form = FORMATS["text"](out, out)
    for each in (*scanner.scan(str(file)), *scanner.cross_resource(whole=True)):
        if isinstance(each, Problem):
            form.problem(each)
        else:
            assert isinstance(each, Result)
            assert each.finding.verdict is not Verdict.FAILED, each.rule.name
            form.result(each)
    form.end(scanner.tally)
    return str(out.getvalue())


@settings(
    deadline=None,
    max_examples=10_000,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(SEEDS), _EDITS)
def test_ten_thousand_broken_manifests_end_no_scan_and_give_no_key_away(
    tmp_path: Path, seed: bytes, edits: list[tuple[int, bytes, int, bool]]
) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_bytes(mutated(seed, edits))
    assert FAKE_KEY not in scanned(file)
