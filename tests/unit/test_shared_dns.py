"""A state that owns all of coredns-custom is not let near what would delete the keys of others."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from operations.delivery import shared_dns
from operations.errors import OperationError
from workshop.testing.checkout import REPOSITORY

_COMPONENT = "urn:pulumi:prod::oceanid-cluster::oceanid:index:GatewayAccess"
_WHOLE = f"{_COMPONENT}$kubernetes:core/v1:ConfigMap::gateway-dns"
_ONE_KEY = f"{_COMPONENT}$kubernetes:core/v1:ConfigMapPatch::gateway-dns"


@dataclass
class _Prod:
    settings: Path
    urns: list[str] = field(default_factory=list)

    def deployment(self, stack: str, _environment: dict[str, str]) -> dict[str, object]:
        """What the engine exports; it fails where there is no state."""
        if not self.urns:
            raise OperationError(f"no stack named {stack}")
        return {"resources": [{"urn": urn} for urn in self.urns]}

    def without_transparent(self) -> None:
        """Take the last transparent host out of the settings."""
        text = self.settings.read_text()
        self.settings.write_text(text.replace(", transparent: true", ""))


@pytest.fixture
def prod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Prod:
    """The operators' settings, with a state that a test gives."""
    made = _Prod(tmp_path / "Pulumi.prod.yaml")
    made.settings.write_text((REPOSITORY / "Pulumi.prod.yaml").read_text())
    monkeypatch.setattr(shared_dns, "deployment", made.deployment)
    monkeypatch.setattr(shared_dns, "config_file", lambda _stack: made.settings)
    return made


def test_a_destroy_of_a_state_of_before_is_refused(prod: _Prod) -> None:
    prod.urns = ["urn:pulumi:prod::oceanid-cluster::pulumi:pulumi:Stack::s", _WHOLE]
    with pytest.raises(OperationError, match=r"^prod: its state owns all of .* update the stack"):
        shared_dns.refuse_destroy("prod", {})


@pytest.mark.parametrize("urns", [[], [_ONE_KEY]])
def test_every_other_destroy_goes_on(prod: _Prod, urns: list[str]) -> None:
    prod.urns = urns
    shared_dns.refuse_destroy("prod", {})


def test_an_update_of_it_is_refused_where_nothing_takes_the_place(prod: _Prod) -> None:
    prod.urns = [_WHOLE]
    # The engine hands it over.
    shared_dns.refuse_removal("prod", {})
    prod.without_transparent()
    with pytest.raises(OperationError, match="with the transparent destinations as they were"):
        shared_dns.refuse_removal("prod", {})
    prod.urns = [_ONE_KEY]
    shared_dns.refuse_removal("prod", {})


def test_settings_that_cannot_be_read_are_left_to_the_command(prod: _Prod) -> None:
    prod.urns = [_WHOLE]
    prod.settings.write_text("config: {oceanid-cluster:nodes: []}")
    shared_dns.refuse_removal("prod", {})
