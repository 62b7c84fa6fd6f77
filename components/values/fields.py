"""The kinds of value a setting can have, each with its rule and its remedy."""

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
_LONGEST_NAME = 253
_DNS_NAME = re.compile(rf"{_DNS_LABEL.pattern}(\.{_DNS_LABEL.pattern})*")
# The reference grammar of github.com/distribution/reference, by which a kubelet reads an image.
_HOST_PART = "[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?"
_PATH_PART = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST_PART}(?:\.{_HOST_PART})*(?::[0-9]+)?/)?{_PATH_PART}(?:/{_PATH_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_LONGEST_IMAGE_NAME = 255
_EXACT_TAG = re.compile(r"v?\d+\.\d+\.\d+([-.][\w.-]+)?", re.ASCII)
# Kubernetes' apimachinery, util/validation: names of labels, after their prefix, and values.
_LABEL_NAME = re.compile(r"[a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?", re.ASCII)
_NO_SPACES = re.compile(r"[!-~]+")
# CrunchyBridge's API documentation, "eid": base 32 of 128 bits.
_CRUNCHYBRIDGE_ID = re.compile(r"[a-z2-7]{25}[aeimquy4]")
# Names of a cluster's own, of a home network, and of the very machine that looks them up.
_LOCAL_NAMES = (".local", ".svc", ".localhost")
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
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    @property
    def order(self) -> tuple[int, int, int]:
        """What a list is sorted by: IPv4 first, then by address and port."""
        return self.address.version, int(self.address), self.port

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == _IPV6 else str(self.address)
        return f"{host}:{self.port}"


def _matching(pattern: re.Pattern[str], rule: str, remedy: str) -> AfterValidator:
    def check(value: str) -> str:
        return value if pattern.fullmatch(value) else refuse(rule, remedy)

    return AfterValidator(check)


def _dns_name(value: str) -> str:
    if len(value) > _LONGEST_NAME or not _DNS_NAME.fullmatch(value):
        refuse(
            "not a DNS name",
            "use lower-case DNS labels joined by dots, 253 characters at the most",
        )
    return value


def check_host(value: str) -> str:
    """A DNS name or an IPv4 address; what ends in a number can only be an address."""
    if value.rpartition(".")[2].isdigit():
        try:
            address = ipaddress.IPv4Address(value)
        except ValueError:
            refuse("neither a DNS name nor an IPv4 address", "correct it, or give the host's name")
        if not address.is_global or address.is_multicast:
            refuse(
                "an address that an exit node's NetworkPolicy keeps it from",
                "give an address of the internet, or the host's name",
            )
        return value
    _dns_name(value)
    if any(f".{value}".endswith(local) for local in _LOCAL_NAMES):
        refuse(
            "a name that means something in a cluster or on a machine only",
            "give a name that an exit node finds outside the cluster",
        )
    return value


def check_label_key(value: str) -> str:
    """The key of a label or a taint: a name, after a DNS name and a slash if need be."""
    prefix, slash, name = value.rpartition("/")
    known = not slash or (len(prefix) <= _LONGEST_NAME and _DNS_NAME.fullmatch(prefix))
    if not known or not _LABEL_NAME.fullmatch(name):
        refuse(
            "not the name of a label",
            "use 1 to 63 letters, digits, '-', '_' and '.', a letter or digit first and last, "
            "after a DNS name and '/' if need be",
            value=value,
        )
    return value


def _label_value(value: str, which: str = "") -> str:
    if value and not _LABEL_NAME.fullmatch(value):
        refuse(
            f"not the value of a label{which}",
            "use up to 63 letters, digits, '-', '_' and '.', a letter or digit first and last",
            value=value,
        )
    return value


def _labels(labels: dict[str, str]) -> dict[str, str]:
    for key, value in labels.items():
        check_label_key(key)
        _label_value(value, f" ({key})")
    return labels


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
        address = ipaddress.ip_address(value)
    except ValueError:
        refuse("not an IP address", "give an address such as 157.173.210.123, with no prefix")
    return _of_one_machine(address)


def _of_one_machine(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    special = (
        address.is_loopback
        or address.is_unspecified
        or address.is_multicast
        or address.is_link_local
        or address.is_reserved
    )
    if isinstance(address, ipaddress.IPv6Address):
        special = special or address.ipv4_mapped is not None or address.scope_id is not None
    if special:
        refuse(
            "not an address by which other machines reach one machine",
            "give the machine's own, such as 157.173.210.123",
        )
    return address


def endpoint(value: object) -> Endpoint:
    """An Endpoint from text such as `157.173.210.123:6443` or `[2001:db8::1]:6443`."""
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        # Without brackets the port could be the address' own last part.
        kind = ipaddress.IPv6Address if bracketed else ipaddress.IPv4Address
        address = kind(host[1:-1] if bracketed else host)
    except ValueError:
        port = ""
    if not (port.isascii() and port.isdigit() and int(port) in _PORTS):
        refuse(
            "not an address with a port",
            "give it such as 157.173.210.123:6443 or [2001:db8::1]:6443",
        )
    return Endpoint(address=_of_one_machine(address), port=int(port))


def _pinned_image(value: str) -> str:
    image = _IMAGE.fullmatch(value)
    if image is None or len(image["name"]) > _LONGEST_IMAGE_NAME:
        refuse(
            "not an image that can be pulled",
            "give it such as docker.io/tailscale/tailscale:v1.102.3, its path in lower case",
        )
    tag = image["tag"] or ""
    exact = _EXACT_TAG.fullmatch(tag) and "latest" not in re.split("[._-]", tag.lower())
    if not image["digest"] and not exact:
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
    try:
        parts = urlsplit(value if _NO_SPACES.fullmatch(value) else "")
        right = (
            parts.scheme in {"http", "https"}
            and "@" not in parts.netloc
            and parts.port != 0
            and len(_dns_name(parts.hostname or "")) > 0
        )
    except (ValueError, PydanticCustomError):
        right = False
    if not right:
        refuse("not an HTTP URL", "give one such as https://ipinfo.io/ip, without a user in it")
    return value


def _chart_repository(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "oci":
        return _http_url(value)
    is_plain = not (parts.username or parts.query or parts.fragment or value.endswith("/"))
    if not parts.hostname or not is_plain:
        refuse(
            "not a registry of charts",
            "give it without a user and without a slash at its end, such as "
            "oci://ghcr.io/external-secrets/charts",
        )
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


DnsLabel = Annotated[
    str,
    _matching(
        _DNS_LABEL,
        "not a DNS label",
        "use 1 to 63 of a-z, 0-9 and '-', with a letter or digit first and last",
    ),
]
DnsName = Annotated[str, AfterValidator(_dns_name)]
Host = Annotated[str, AfterValidator(check_host)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
Labels = Annotated[dict[str, str], AfterValidator(_labels)]
Network = Annotated[ipaddress.IPv4Network, PlainValidator(_network)]
Address = Annotated[ipaddress.IPv4Address | ipaddress.IPv6Address, PlainValidator(_address)]
HostEndpoint = Annotated[Endpoint, PlainValidator(endpoint), PlainSerializer(str, return_type=str)]
Day = Annotated[datetime.date, PlainValidator(_day), PlainSerializer(str, return_type=str)]
CrunchyBridgeId = Annotated[
    str,
    _matching(
        _CRUNCHYBRIDGE_ID,
        "not a CrunchyBridge id",
        "copy the network's id: `cb network list` shows it",
    ),
]
FirewallRange = Annotated[str, AfterValidator(_firewall_range)]
Port = Annotated[int, AfterValidator(_port)]
UnprivilegedPort = Annotated[int, AfterValidator(_unprivileged_port)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
ChartRepository = Annotated[str, AfterValidator(_chart_repository)]
PinnedImage = Annotated[str, AfterValidator(_pinned_image)]
