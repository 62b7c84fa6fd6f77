"""The exit nodes of the stack on real nodes, as the tailnet's API has them."""

from collections.abc import Sequence

from workshop.lab.tailnet import TailnetAdministrator
from workshop.testing.network.rendered import exit_hostname

DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")


class ExitNodeApprover(TailnetAdministrator):
    """The tailnet's administrator, who finds and approves exit nodes by their node."""

    def tailnet_address(self, node: str) -> str:
        """The tailnet address of the exit node there."""
        device = self.device(exit_hostname(node))
        assert device is not None
        return str(device["addresses"][0])

    def approve(self, node: str, routes: Sequence[str] = DEFAULT_ROUTES) -> None:
        """Approve, or with no routes disapprove, the exit node there, as the stack does: by API."""
        device = self.device(exit_hostname(node))
        assert device is not None
        self.tailnet("POST", f"/device/{device['nodeId']}/routes", {"routes": list(routes)})
