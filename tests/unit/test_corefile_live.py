"""CoreDNS' configuration is read as the real CoreDNS reads it, whatever it is made of."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from operations.preflight.corefile import CorefileError, Reading, zone_of
from tests.coredns import started

pytestmark = pytest.mark.slow

_TWICE = re.compile(r"cannot serve dns://(\S+):\d+ - ")
_PIECES = (
    "a.example {\n    errors\n}\n",
    "A.Example.:53 {\n}\n",
    "dns://b.example:53 {\n    errors {\n    }\n}\n",
    "c.example d.example:53 {\n}\n",
    "e.example,\nf.example {\n}\n",
    '"g.example" {\n}\n',
    "# h.example {\n",
    "i.example { # j.example {\n}\n",
    "k.example#comment l.example {\n}\n",
    "m.example\r\n{\r\n    errors\r\n}\r\n",
    "(shared) {\n    errors\n}\n",
    "n.example {\n    import shared\n}\n",
    "(zones) {\n    a.example:53 {\n        errors\n    }\n    o.example {\n    }\n}\n",
    "import zones\n",
    'p.example {\n    template IN A {\n        answer "{{ .Name }} 30 IN A 10.43.0.9"\n    }\n}\n',
    '"" {\n    errors\n}\n',
    "import custom/*.server\n",
    "q.example\nerrors\n",
    "r.example {\n    bind 127.0.0.1\n}\nr.example {\n}\n",
    "s.example#comment\n{\n}\n",
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=6).map("".join))
@example(_PIECES[0] + _PIECES[1])
@example(_PIECES[8])
@example(_PIECES[12] + _PIECES[13])
@example(_PIECES[-1])
def test_the_zones_are_those_that_it_serves_or_refuses(tmp_path: Path, text: str) -> None:
    starts, said = started(lambda port: text.replace(":53", f":{port}"), tmp_path)
    try:
        keys = [key for block in Reading().read(text) for key in block.keys]
    except CorefileError:
        assert not starts, said
        return
    zones = Counter(zone_of(key) for key in keys)
    if starts:
        served = {line.rpartition(":53")[0] for line in said.splitlines() if line.endswith(":53")}
        # Without a block it serves its default.
        assert served == (set(zones) or {"."}), said
        assert set(zones.values()) <= {1}, said
    elif twice := _TWICE.search(said):
        assert zones[twice[1]] > 1, said


@pytest.mark.parametrize("program", ["coredns", "cluster-dns"])
def test_one_zone_twice_in_one_case_is_refused_by_both_releases(
    tmp_path: Path, program: str
) -> None:
    starts, said = started(lambda _: _PIECES[0] * 2, tmp_path, program)
    assert not starts
    assert _TWICE.search(said), said


@pytest.mark.parametrize(
    ("program", "zones"),
    # The resolver's release, and that of the lab's cluster, which asks by names in lower case only.
    [("coredns", None), ("cluster-dns", {"a.example.", "A.Example."})],
)
def test_a_zone_in_upper_case_is_another_one_before_release_1_15(
    tmp_path: Path, program: str, zones: set[str] | None
) -> None:
    text = _PIECES[0] + _PIECES[1].replace(":53", "")
    starts, said = started(lambda _: text, tmp_path, program)
    assert starts == (zones is not None), said
    served = {line.rpartition(":53")[0] for line in said.splitlines() if line.endswith(":53")}
    assert served == (zones or set())
