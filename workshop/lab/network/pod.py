"""A pod of the lab: its containers as processes, with the volumes that its manifest names."""

import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.lab.home import LabError
from workshop.lab.network import probe
from workshop.lab.network.container import Container
from workshop.lab.network.image import Surroundings, file_system
from workshop.lab.network.manifests import Manifests
from workshop.lab.network.node import PodSandbox
from workshop.lab.private_file import write_private
from workshop.lab.simulated_devices.pod import Pod

_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_SECONDS_TO_END = 10.0


@dataclass(kw_only=True)
class RunningPod:
    """One pod. `folder` keeps its volumes and logs; `token` is its ServiceAccount's."""

    pod: Pod
    sandbox: PodSandbox
    folder: Path
    manifests: Manifests
    surroundings: Surroundings
    cluster_environment: Mapping[str, str]
    token: str
    containers: dict[str, Container] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name in the cluster."""
        return self.pod.name

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.pod.manifest["metadata"].get("labels") or {}

    def start(self) -> None:
        """Make the volumes and start every container."""
        self.folder.mkdir(parents=True)
        security = self.pod.manifest["spec"].get("securityContext") or {}
        user, group = int(security.get("runAsUser", 0)), int(security.get("fsGroup", 0))
        volumes = {
            volume["name"]: self._volume(volume, group)
            for volume in self.pod.manifest["spec"].get("volumes") or []
        }
        for manifest in self.pod.containers():
            name = manifest["name"]
            message = self.folder / f"{name}.message"
            message.touch()
            os.chown(message, user, group)
            mounts = [
                {
                    "source": str(volumes[mount["name"]] / (mount.get("subPath") or "")),
                    "target": mount["mountPath"],
                    "writable": not mount.get("readOnly", False),
                }
                for mount in manifest.get("volumeMounts") or []
            ]
            mounts.append(
                {"source": str(message), "target": "/dev/termination-log", "writable": True}
            )
            if self.pod.manifest["spec"].get("automountServiceAccountToken", True):
                mounts.append(self._service_account(group))
            root = self.folder / f"{name}.root"
            root.mkdir()
            environment = self.pod.environment(manifest, self.manifests)
            self.containers[name] = Container(
                manifest=manifest,
                namespace=self.sandbox.namespace,
                environment={**self.cluster_environment, **environment},
                root=file_system(root, self.surroundings, mounts, user=user, group=group),
                log=self.folder / f"{name}.log",
            )
        for container in self.containers.values():
            container.start()
        for container in self.containers.values():
            container.started.until_started()

    def _volume(self, volume: Mapping[str, Any], group: int) -> Path:
        place = self.folder / f"volume-{volume['name']}"
        if "emptyDir" in volume:
            place.mkdir()
            os.chown(place, 0, group)
            place.chmod(0o2777)
            return place
        for kind, source in (("secrets", "secret"), ("configmaps", "configMap")):
            if source in volume:
                reference = volume[source]
                name = reference.get("secretName") or reference["name"]
                data = self.manifests.data(kind, self.pod.namespace, name)
                if data is None:
                    raise LabError(f"pod {self.name}: no {source} {name} for a volume")
                mode = int(reference.get("defaultMode") or 0o644)
                _write_files(place, data, mode=mode, group=group)
                return place
        raise LabError(f"pod {self.name}: the volume {volume['name']} is of a kind not known here")

    def _service_account(self, group: int) -> dict[str, Any]:
        place = self.folder / "volume-serviceaccount"
        if not place.exists():
            authority = self.manifests.data("configmaps", self.pod.namespace, "kube-root-ca.crt")
            data = {
                "token": self.token.encode(),
                "namespace": self.pod.namespace.encode(),
                **(authority or {}),
            }
            _write_files(place, data, mode=0o640, group=group)
        return {"source": str(place), "target": _SERVICE_ACCOUNT, "writable": False}

    def ready(self) -> bool:
        """Whether every container runs and passes its readiness probe, asked once now."""
        return probe.ready(list(self.containers.values()), self.sandbox)

    def until_ready(self, *, seconds: float = 60.0) -> None:
        """Wait for it; raises LabError with the containers' last words."""
        deadline = time.monotonic() + seconds
        while not self.ready():
            ended = [each for each in self.containers.values() if not each.started.running]
            if ended or time.monotonic() > deadline:
                words = "; ".join(
                    f"{each.name}: {each.started.last_words()}"
                    for each in ended or self.containers.values()
                )
                raise LabError(f"pod {self.name} is not ready: {words} (logs: {self.folder})")
            time.sleep(0.1)

    def wait(self, *, seconds: float) -> tuple[int, str]:
        """The exit code and termination message of a pod with one container that ends."""
        (container,) = self.containers.values()
        code = container.started.wait(seconds)
        return code, (self.folder / f"{container.name}.message").read_text()

    def terminate(self) -> None:
        """End it as a kubelet does: the hooks, then SIGTERM, then SIGKILL, then the network."""
        spec = self.pod.manifest["spec"]
        grace = float(spec.get("terminationGracePeriodSeconds") or 30)
        deadline = time.monotonic() + grace
        threads = [
            threading.Thread(target=_end, args=(each, deadline))
            for each in self.containers.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.sandbox.end()

    def kill(self) -> None:
        """End it at once, as when its node dies."""
        for container in self.containers.values():
            if container.process is not None:
                container.process.kill()
        self.sandbox.end()


def _end(container: Container, deadline: float) -> None:
    hook = (container.manifest.get("lifecycle") or {}).get("preStop") or {}
    left = max(0.0, deadline - time.monotonic())
    if "sleep" in hook:
        time.sleep(min(left, float(hook["sleep"]["seconds"])))
    elif "exec" in hook:
        container.execute(hook["exec"]["command"], seconds=left)
    container.started.signal(signal.SIGTERM)
    try:
        container.started.wait(max(1.0, deadline - time.monotonic()))
    except LabError:
        container.crash()


def _write_files(place: Path, data: Mapping[str, bytes], *, mode: int, group: int) -> None:
    place.mkdir()
    for name, content in data.items():
        file = place / name
        write_private(file, content.decode())
        os.chown(file, 0, group)
        file.chmod(mode)
