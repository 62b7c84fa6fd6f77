"""Workloads made up by hypothesis: what the rules look at, in values that an API server takes."""

from typing import Any

from hypothesis import strategies as st

from policies.rules.daemonset_reach import WAVE_LABEL

Tree = dict[str, Any]

_FLAG = st.booleans()
_SEPARATORS = st.sampled_from(["/", ":", ".", "-", "_", "@", "+", "@sha256:"])
_PARTS = st.text("abcdef0123456789xyzLATES", min_size=1, max_size=9) | st.sampled_from(
    ["latest", "v1", "1", "2025", "registry.example", "5000", "stable", "main", "a" * 40, "0" * 64]
)
_IMAGES = st.lists(st.tuples(_PARTS, _SEPARATORS), min_size=1, max_size=7).map(
    lambda pairs: "".join(part + separator for part, separator in pairs)[:200]
) | st.sampled_from(
    [
        "registry.example/app:v1.102.3",
        "registry.example:5000/app",
        "app:latest@sha256:" + "0" * 64,
        "app@sha512:" + "f" * 128,
    ]
)
_WORDS = st.sampled_from(
    [
        *("--exit-node", "-exit-node", "--exit-node-allow-lan-access", "=", " ", "  ", "\t", "\n"),
        *("100.64.0.7", "100.64.0.300", "100.064.0.7", "fd7a:115c:a1e0::7", "::ffff:1.2.3.4"),
        *("192.168.1.10", "100.63.255.255", "100.127.255.255", "fd7a:115c:a1e1::7"),
        *("fe80::1%eth0", "[::1]", "auto:any", "tethys", "$(A)", "$A", "'", '"', "--x", "; ", ";"),
        *("&&", "|", ")", ">", "`", "a", "1e3"),
    ]
)
_TEXTS = st.lists(_WORDS, max_size=6).map("".join)
_NAMES = st.sampled_from(["A", "TS_EXTRA_ARGS", "TS_EXIT_NODE", "TS_USERSPACE", "PATH"])
_CAPABILITIES = st.lists(
    st.sampled_from(["ALL", "NET_ADMIN", "NET_BIND_SERVICE", "CHOWN", "SYS_ADMIN", "net_admin"]),
    max_size=3,
)
_SECCOMP = st.sampled_from([{"type": "RuntimeDefault"}, {"type": "Unconfined"}])
_USER = st.sampled_from([0, 1, 1000])
_SELINUX = st.sampled_from([{"type": "container_t"}, {"type": "spc_t"}, {"user": "u"}, {}])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    """A mapping with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


_HANDLER = st.fixed_dictionaries(
    {"httpGet": st.fixed_dictionaries({"port": st.just(80)}, optional={"host": st.just("h")})}
) | st.fixed_dictionaries(
    {"tcpSocket": st.fixed_dictionaries({"port": st.just(80)}, optional={"host": st.just("h")})}
)
_CONTAINERS = st.fixed_dictionaries(
    {"image": _IMAGES},
    optional={
        "securityContext": some(
            privileged=_FLAG,
            allowPrivilegeEscalation=_FLAG,
            runAsNonRoot=_FLAG,
            runAsUser=_USER,
            procMount=st.sampled_from(["Default", "Unmasked"]),
            seccompProfile=_SECCOMP,
            seLinuxOptions=_SELINUX,
            appArmorProfile=_SECCOMP,
            capabilities=some(add=_CAPABILITIES, drop=_CAPABILITIES),
        ),
        "ports": st.lists(
            st.fixed_dictionaries(
                {"containerPort": st.just(8080)}, optional={"hostPort": st.sampled_from([0, 8080])}
            ),
            max_size=1,
        ),
        "env": st.lists(
            st.fixed_dictionaries({"name": _NAMES}, optional={"value": _TEXTS}), max_size=3
        ),
        "command": st.lists(_TEXTS, max_size=2),
        "args": st.lists(_TEXTS, max_size=3),
        "livenessProbe": _HANDLER,
        "lifecycle": st.fixed_dictionaries({"preStop": _HANDLER}),
    },
)
_VOLUMES = st.sampled_from(
    [
        {"emptyDir": {}},
        {"hostPath": {"path": "/dev/net/tun"}},
        {"secret": {"secretName": "s"}},
        {"nfs": {"server": "n", "path": "/"}},
        {"configMap": {"name": "c"}},
        {"csi": {"driver": "d.example"}},
        {"persistentVolumeClaim": {"claimName": "p"}},
    ]
)
_LABELS_OF_NODES = st.sampled_from(
    [
        *("gpu", "kubernetes.io/os", "kubernetes.io/hostname", "node.kubernetes.io/instance-type"),
        *("topology.kubernetes.io/region", "egress.k3s.io/cluster"),
    ]
)
_VALUES = st.sampled_from([["a"], ["k3s"], ["a", "k3s"]])
_REQUIREMENTS = st.fixed_dictionaries({"key": _LABELS_OF_NODES, "values": _VALUES}).flatmap(
    lambda held: st.sampled_from(
        [
            {"key": held["key"], "operator": "Exists"},
            {"key": held["key"], "operator": "DoesNotExist"},
            {**held, "operator": "In"},
            {**held, "operator": "NotIn"},
            {**held, "operator": "Gt", "values": ["1"]},
        ]
    )
)
_TERMS = st.lists(
    some(matchExpressions=st.lists(_REQUIREMENTS, max_size=2)), min_size=1, max_size=2
)
_AFFINITY = some(
    nodeAffinity=some(
        requiredDuringSchedulingIgnoredDuringExecution=st.fixed_dictionaries(
            {"nodeSelectorTerms": _TERMS}
        )
    )
)
_PODS = st.fixed_dictionaries(
    {"containers": st.lists(_CONTAINERS, min_size=1, max_size=2)},
    optional={
        "initContainers": st.lists(
            _CONTAINERS.map(lambda each: {"image": each["image"], **_init(each)}), max_size=1
        ),
        "volumes": st.lists(_VOLUMES, max_size=2),
        "hostNetwork": _FLAG,
        "hostPID": _FLAG,
        "hostIPC": _FLAG,
        "nodeSelector": st.dictionaries(_LABELS_OF_NODES, st.sampled_from(["a", "k3s"])),
        "affinity": _AFFINITY,
        "securityContext": some(
            runAsNonRoot=_FLAG,
            runAsUser=_USER,
            seccompProfile=_SECCOMP,
            seLinuxOptions=_SELINUX,
            appArmorProfile=_SECCOMP,
            sysctls=st.lists(
                st.sampled_from(
                    [
                        {"name": "net.ipv4.tcp_syncookies", "value": "1"},
                        {"name": "kernel.msgmax", "value": "1"},
                    ]
                ),
                max_size=1,
            ),
        ),
    },
)
_LABELS = st.sampled_from([{}, {WAVE_LABEL: "canary"}, {"app": "other"}])
_BOUNDS = st.sampled_from([0, 1, 2, "0", "1", "0%", "1%", "100%"])


def _init(container: Tree) -> Tree:
    """What an init container may have too."""
    return {
        name: value
        for name, value in container.items()
        if name not in {"livenessProbe", "lifecycle"}
    }


@st.composite
def workloads(draw: st.DrawFn, kinds: tuple[str, ...]) -> Tree:
    """An object of one of the kinds around a pod; names and selectors are for the caller to add."""
    kind, pod = draw(st.sampled_from(kinds)), draw(_PODS)
    metadata = {"labels": draw(_LABELS)}
    if kind == "Pod":
        return {"kind": kind, "metadata": metadata, "spec": pod}
    spec: Tree = {"template": {"metadata": {"labels": draw(_LABELS)}, "spec": pod}}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    elif kind == "DaemonSet":
        rolling = draw(st.none() | some(maxUnavailable=_BOUNDS, maxSurge=_BOUNDS))
        if rolling is not None:
            spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"kind": kind, "metadata": metadata, "spec": spec}
