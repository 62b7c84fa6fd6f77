"""What is built: each Go module of this folder with the binaries and files taken from it."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

PULUMI_VERSION = "v3.246.0"
KUBERNETES_VERSION = "v1.35.4"
KUBERNETES_PROVIDER_VERSION = "4.25.0"
# The providers that the lab's plugins stand in for, as requirements.txt pins their packages.
STAND_IN_VERSIONS = {"tailscale": "0.29.2", "command": "1.2.1"}

# For every binary: small, without paths of the machine that built it, without a C compiler.
BUILD_FLAGS = ("-trimpath",)
BUILD_ENVIRONMENT = {"CGO_ENABLED": "0"}
_STRIP = "-s -w"
_KUBERNETES_LDFLAGS = (
    f"{_STRIP} -X k8s.io/component-base/version.gitVersion={KUBERNETES_VERSION}"
    " -X k8s.io/component-base/version.gitMajor=1"
    " -X k8s.io/component-base/version.gitMinor=35"
)


@dataclass(frozen=True, kw_only=True)
class Binary:
    """One program: its name in `.toolchain/bin` and the Go package that makes it."""

    name: str
    package: str
    ldflags: str = _STRIP


@dataclass(frozen=True, kw_only=True)
class TaggedBinary(Binary):
    """A program built with Go build tags."""

    tags: str


@dataclass(frozen=True, kw_only=True)
class Extract:
    """A file or folder copied as it stands out of a module the build has downloaded."""

    module: str
    path: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Chart(Extract):
    """A Helm chart, copied without the dependencies it names.

    They are optional and lie in registries of their own; Helm renders no chart from a folder that
    names some and lacks them.
    """


@dataclass(frozen=True, kw_only=True)
class Module:
    """What is made from the folder `path` that holds a go.mod and go.sum.

    `minutes` is the time of a build from nothing on two cores, for the forecast on screen.
    """

    name: str
    minutes: float
    binaries: tuple[Binary, ...]
    extracts: tuple[Extract, ...] = ()
    path: Path

    @property
    def products(self) -> tuple[str, ...]:
        """Names of everything the module gives, as they stand in `.toolchain/bin`."""
        return (
            *(binary.name for binary in self.binaries),
            *(extract.name for extract in self.extracts),
        )

    def digest(self) -> str:
        """Sixteen hex digits over all that decides the result: sources, flags, platform.

        The Go release is left out on purpose: a patch release of the compiler on PATH is no
        reason to make every user wait for a build again.
        """
        how = f"{platform.system()} {platform.machine()} {BUILD_FLAGS} {BUILD_ENVIRONMENT}\n"
        sha = hashlib.sha256(how.encode())
        for part in (*self.binaries, *self.extracts):
            sha.update(f"{part!r}\n".encode())
        for source in sorted(self.path.rglob("*")):
            if source.is_file():
                sha.update(f"{source.relative_to(self.path)}\n".encode())
                sha.update(source.read_bytes())
        return sha.hexdigest()[:16]


KUBERNETES = Module(
    name="kubernetes",
    path=HERE / "kubernetes",
    minutes=4,
    binaries=(
        *(
            Binary(name=name, package=f"k8s.io/kubernetes/cmd/{name}", ldflags=_KUBERNETES_LDFLAGS)
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        ),
        Binary(name="etcd", package="go.etcd.io/etcd/server/v3"),
    ),
)

_CONTAINERD = "github.com/containerd/containerd/v2/cmd"
_CNI = "github.com/containernetworking/plugins/plugins"
# What a real node runs, and the cluster's DNS. Of one go.mod with the control plane, so that what
# both are built from is compiled once. runc is the machine's own: it takes a C compiler.
NODES = Module(
    name="nodes",
    path=HERE / "kubernetes",
    minutes=7,
    binaries=(
        *(
            Binary(name=name, package=f"k8s.io/kubernetes/cmd/{name}", ldflags=_KUBERNETES_LDFLAGS)
            for name in ("kubelet", "kube-proxy")
        ),
        *(
            TaggedBinary(
                name=name,
                package=f"{_CONTAINERD}/{name}",
                tags="no_aufs,no_btrfs,no_devmapper,no_tracing,no_zfs",
            )
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        ),
        *(
            Binary(name=path.rpartition("/")[2], package=f"{_CNI}/{path}")
            for path in ("main/bridge", "main/loopback", "ipam/host-local", "meta/portmap")
        ),
        Binary(
            name="kube-router", package="github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"
        ),
        Binary(name="cluster-dns", package="./coredns"),
        Binary(name="pause", package="./pause"),
    ),
)

KUBECTL = Module(
    name="kubectl",
    path=HERE / "kubernetes",
    minutes=1,
    binaries=(
        Binary(
            name="kubectl", package="k8s.io/kubernetes/cmd/kubectl", ldflags=_KUBERNETES_LDFLAGS
        ),
    ),
)

KWOK = Module(
    name="kwok",
    path=HERE / "kwok",
    minutes=1.2,
    binaries=(Binary(name="kwok", package="sigs.k8s.io/kwok/cmd/kwok"),),
    extracts=(Extract(module="sigs.k8s.io/kwok", path="kustomize/stage", name="kwok-stages"),),
)

PULUMI = Module(
    name="pulumi",
    path=HERE / "pulumi",
    minutes=11,
    binaries=(
        Binary(
            name="pulumi",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            ldflags=(
                f"{_STRIP} -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version="
                f"{PULUMI_VERSION}"
            ),
        ),
        Binary(name="pulumi-resource-kubernetes", package="./pulumi-resource-kubernetes"),
    ),
    extracts=(
        Extract(
            module="github.com/pulumi/pulumi/sdk/v3",
            path="python/cmd/pulumi-language-python-exec",
            name="pulumi-language-python-exec",
        ),
    ),
)

_EXTERNAL_SECRETS = "github.com/external-secrets/external-secrets"


def _kinds_and_chart(name: str) -> tuple[Extract, ...]:
    crds, chart = "deploy/crds/bundle.yaml", "deploy/charts/external-secrets"
    return (
        Extract(module=_EXTERNAL_SECRETS, path=crds, name=f"{name}-crds.yaml"),
        Chart(module=_EXTERNAL_SECRETS, path=chart, name=f"{name}-chart"),
    )


# The real operator: one program with the webhook and the certificate controller as subcommands.
EXTERNAL_SECRETS = Module(
    name="external-secrets",
    path=HERE / "external-secrets",
    minutes=5,
    binaries=(Binary(name="external-secrets", package=_EXTERNAL_SECRETS),),
    extracts=_kinds_and_chart("external-secrets"),
)

# What the tests upgrade the chart above to, with the kinds of its release; no program is built.
EXTERNAL_SECRETS_NEXT = Module(
    name="external-secrets-next",
    path=HERE / "external-secrets-next",
    minutes=0.1,
    binaries=(),
    extracts=_kinds_and_chart("external-secrets-next"),
)

# The kinds of its API, without the operator: the lab serves them as a cluster with Prometheus does.
PROMETHEUS_OPERATOR = Module(
    name="prometheus-operator",
    path=HERE / "prometheus-operator",
    minutes=0.1,
    binaries=(),
    extracts=(
        Extract(
            module="github.com/prometheus-operator/prometheus-operator",
            path="example/prometheus-operator-crd",
            name="prometheus-operator-crds",
        ),
    ),
)

# Only the tests of alerts need it. Without service discovery: what is used are its tests of rules
# and its parser.
PROMTOOL = Module(
    name="promtool",
    path=HERE / "promtool",
    minutes=2.5,
    binaries=(
        TaggedBinary(
            name="promtool",
            package="github.com/prometheus/prometheus/cmd/promtool",
            tags="remove_all_sd",
        ),
    ),
)

# Only `make test-network` needs it: the program of the prober's pods.
PROBER = Module(
    name="prober",
    path=HERE / "prober",
    minutes=0.7,
    binaries=(Binary(name="blackbox_exporter", package="github.com/prometheus/blackbox_exporter"),),
)

# Only `make check` needs it: what is wrong with a workflow is said before GitHub says it.
ACTIONLINT = Module(
    name="actionlint",
    path=HERE / "actionlint",
    minutes=0.3,
    binaries=(Binary(name="actionlint", package="github.com/rhysd/actionlint/cmd/actionlint"),),
)

# The programs of the stack's own pods, and a tailnet's control server for them.
TAILSCALE = Module(
    name="tailscale",
    path=HERE / "tailscale",
    minutes=4,
    binaries=(
        *(
            Binary(name=name, package=f"tailscale.com/cmd/{name}")
            for name in ("tailscaled", "tailscale", "containerboot")
        ),
        Binary(name="lab-control", package="./lab-control"),
    ),
)

# The resolver of the lab's internet, and the CoreDNS by which the preflight's reading is tested.
COREDNS = Module(
    name="coredns",
    path=HERE / "coredns",
    minutes=1.5,
    binaries=(Binary(name="coredns", package="."),),
)
