"""The kinds of value a setting can have, each with its rule and its remedy."""

from __future__ import annotations

import datetime
import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

from pydantic import AfterValidator, PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

# RFC 1123, section 2.1, as Kubernetes and Tailscale apply it.
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_NAME = re.compile(rf"{_DNS_LABEL.pattern}(\.{_DNS_LABEL.pattern})*")
_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
_EXACT_TAG = re.compile(r".+:v?\d+\.\d+\.\d+([-.+][\w.-]+)?")
# CrunchyBridge's API documentation, "eid": base 32 of 128 bits.
_CRUNCHYBRIDGE_ID = re.compile(r"[a-z2-7]{25}[aeimquy4]")
_PORTS = range(1, 65536)
_FIRST_UNPRIVILEGED_PORT = 1024
_IPV6 = 6
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def refuse(rule: str, remedy: str, **where: object) -> NoReturn:
    """Refuse a value; `where` may give `key` and `value` when pydantic cannot know them."""
    raise PydanticCustomError(
        "setting", "{rule}: {remedy}", {"rule": rule, "remedy": remedy, **where}
    )


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An IP address and a TCP port."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == _IPV6 else str(self.address)
        return f"{host}:{self.port}"


def _dns_label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        refuse(
            "not a DNS label",
            "use 1 to 63 of a-z, 0-9 and '-', with a letter or digit first and last",
        )
    return value


def _dns_name(value: str) -> str:
    if len(value) > 253 or not _DNS_NAME.fullmatch(value):  # noqa: PLR2004  RFC 1123
        refuse("not a DNS name", "use DNS labels joined by dots, 253 characters at the most")
    return value


def _network(value: object) -> object:
    if not isinstance(value, str):
        refuse("not a CIDR", "give an IPv4 range such as 10.42.0.0/16")
    try:
        return ipaddress.IPv4Network(value)
    except ValueError as error:
        refuse(f"not an IPv4 CIDR ({error})", "give a range such as 10.42.0.0/16")


def _address(value: object) -> object:
    if not isinstance(value, str):
        refuse("not an IP address", "give an address such as 157.173.210.123")
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        refuse("not an IP address", "give an address such as 157.173.210.123, with no prefix")


def _endpoint(value: object) -> object:
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port)
    except ValueError:
        number = 0
    if number not in _PORTS:
        refuse("not an address with a port", "give it such as 157.173.210.123:6443")
    return Endpoint(address=address, port=number)


def _pinned_image(value: str) -> str:
    if not _DIGEST.fullmatch(value) and not _EXACT_TAG.fullmatch(value):
        refuse(
            "an image that is not pinned can change under a running fleet",
            "end it in an exact version such as :v1.102.3, or in @sha256: and its digest",
        )
    return value


def _port(value: int) -> int:
    if value not in _PORTS:
        refuse("not a port", "give a number from 1 to 65535")
    return value


def _unprivileged_port(value: int) -> int:
    if _port(value) < _FIRST_UNPRIVILEGED_PORT:
        refuse("a port that needs a privilege", "give a number from 1024 to 65535")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        refuse("not an HTTP URL", "give one such as https://ipinfo.io/ip, without a user in it")
    return value


def _crunchybridge_id(value: str) -> str:
    if not _CRUNCHYBRIDGE_ID.fullmatch(value):
        refuse("not a CrunchyBridge id", "copy the network's id: `cb network list` shows it")
    return value


def _firewall_range(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        refuse(f"not an address or CIDR ({error})", "give it such as 157.173.210.123/32")


def _day(value: object) -> object:
    # YAML's own date, written without quotes, comes from the engine as Go prints a time.
    text = value.removesuffix(" 00:00:00 +0000 UTC") if isinstance(value, str) else ""
    try:
        if _DAY.fullmatch(text):
            return datetime.date.fromisoformat(text)
    except ValueError:
        pass
    refuse("not a day", 'give it as year-month-day, such as "2026-11-21"')


DnsLabel = Annotated[str, AfterValidator(_dns_label)]
DnsName = Annotated[str, AfterValidator(_dns_name)]
Network = Annotated[ipaddress.IPv4Network, PlainValidator(_network)]
Address = Annotated[ipaddress.IPv4Address | ipaddress.IPv6Address, PlainValidator(_address)]
HostEndpoint = Annotated[Endpoint, PlainValidator(_endpoint), PlainSerializer(str, return_type=str)]
Day = Annotated[datetime.date, PlainValidator(_day), PlainSerializer(str, return_type=str)]
CrunchyBridgeId = Annotated[str, AfterValidator(_crunchybridge_id)]
FirewallRange = Annotated[str, AfterValidator(_firewall_range)]
Port = Annotated[int, AfterValidator(_port)]
UnprivilegedPort = Annotated[int, AfterValidator(_unprivileged_port)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
PinnedImage = Annotated[str, AfterValidator(_pinned_image)]
