"""No value of a property is shown when the engine refuses what exceeds a plan."""

from __future__ import annotations

from operations.delivery.run import without_values


def test_the_names_of_the_properties_stay_and_their_values_go() -> None:
    value = "c2VjcmV0"
    line = (
        "error: resource urn:pulumi:prod::oceanid-cluster::kubernetes:core/v1:Secret::credential "
        "violates plan: properties changed: +-stringData[{&{output<string>{}}}], "
        f"=+data[{{&{{map[authkey:{{{value}}}]}}}}]\n"
    )
    shown = without_values(line)
    assert value not in shown
    assert "violates plan: properties changed: +-stringData (values not shown)" in shown
    assert shown.endswith("\n")


def test_other_lines_stay_as_they_are() -> None:
    for line in (" +  kubernetes:core/v1:Secret credential created (0.07s) \n", "a [b] c\n", ""):
        assert without_values(line) == line
    kept = "error: resource x violates plan: dependencies changed: added urn:y\n"
    assert without_values(kept) == kept
