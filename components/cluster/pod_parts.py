"""Parts of pods that several of the stack's workloads have."""

from pulumi_kubernetes.core import v1 as core


def http_probe(
    path: str, port: int, *, period: int, failures: int, timeout: int = 3
) -> core.ProbeArgs:
    """A probe by HTTP; the figures are seconds, and how often it may fail in a row."""
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=path, port=port),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def node_name() -> core.EnvVarArgs:
    """The variable NODE_NAME, with the name of the node that the pod runs on."""
    field = core.ObjectFieldSelectorArgs(field_path="spec.nodeName")
    return core.EnvVarArgs(name="NODE_NAME", value_from=core.EnvVarSourceArgs(field_ref=field))


def config_volume(name: str, config: core.ConfigMap) -> core.VolumeArgs:
    """The files of a ConfigMap, which the engine has named."""
    made = config.metadata.apply(lambda metadata: str(metadata.name))
    return core.VolumeArgs(name=name, config_map=core.ConfigMapVolumeSourceArgs(name=made))
