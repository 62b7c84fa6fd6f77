"""The exit nodes of the stack on real nodes, as the tailnet's API has them."""

from collections.abc import Sequence

from workshop.lab.tailnet import TailnetAdministrator
from workshop.lab.tailscale_api.policy import EXIT_ROUTES
from workshop.testing.network.rendered import exit_hostname


class ExitNodeApprover(TailnetAdministrator):
    """The tailnet's administrator, who finds and approves exit nodes by their node."""

    def tailnet_address(self, node: str) -> str:
        """The tailnet address of the exit node there."""
        device = self.device(exit_hostname(node))
        assert device is not None
        return str(device["addresses"][0])

    def approve(self, node: str, routes: Sequence[str] = EXIT_ROUTES) -> None:
        """Approve, or with no routes disapprove, the exit node there, as the stack does: by API."""
        self.set_routes(exit_hostname(node), routes)
