"""Manifests to scan: as many as wanted, as teams would have them, one in forty at fault."""

from collections.abc import Iterator
from pathlib import Path

_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{app}
  namespace: team-{team}
  labels: {{app: app-{app}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: app-{app}}}}}
  template:
    metadata: {{labels: {{app: app-{app}}}}}
    spec:
      serviceAccountName: app-{app}
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        seccompProfile: {{type: RuntimeDefault}}
      containers:
        - name: app
          image: registry.example/app:v1.{team}.{app}
          args: [--listen=:8080, --peer=$(PEER)]
          env:
            - {{name: PEER, value: peer-{app}.example}}
            - name: TOKEN
              valueFrom: {{secretKeyRef: {{name: app-{app}, key: token}}}}
          ports: [{{containerPort: 8080, name: http}}]
          readinessProbe: {{httpGet: {{path: /ready, port: http}}}}
          livenessProbe: {{httpGet: {{path: /live, port: http}}}}
          resources: {{requests: {{cpu: 10m, memory: 32Mi}}, limits: {{memory: 64Mi}}}}
          securityContext:
            allowPrivilegeEscalation: false
            privileged: {privileged}
            readOnlyRootFilesystem: true
            capabilities: {{drop: [ALL]}}
          volumeMounts: [{{name: tmp, mountPath: /tmp}}]
      volumes: [{{name: tmp, emptyDir: {{}}}}]
"""
_ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata: {{name: app-{app}, namespace: team-{team}}}
automountServiceAccountToken: false
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: app-{app}
  namespace: team-{team}
  labels: {{app: app-{app}}}
spec:
  selector: {{app: app-{app}}}
  ports:
    - {{name: http, port: 80, targetPort: http}}
"""
_SYNCED = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{name: app-{app}, namespace: team-{team}}}
spec:
  refreshInterval: 15m
  secretStoreRef: {{name: esc, kind: SecretStore}}
  target: {{name: app-{app}}}
  data:
    - secretKey: token
      remoteRef: {{key: apps.app-{app}.token}}
"""
_KINDS = (_DEPLOYMENT, _ACCOUNT, _SERVICE, _SYNCED)
_FAULTY = 40


def manifests(size: int) -> Iterator[str]:
    """`size` documents: a Deployment, its ServiceAccount, Service and ExternalSecret, and so on."""
    for number in range(size):
        app = number // len(_KINDS)
        privileged = "true" if number % _FAULTY == 0 else "false"
        yield _KINDS[number % len(_KINDS)].format(app=app, team=app % 20, privileged=privileged)


def write(folder: Path, size: int) -> Path:
    """Write each document into a file of its own; gives the new folder that holds them."""
    place = folder / f"manifests-{size}"
    place.mkdir()
    for number, text in enumerate(manifests(size)):
        (place / f"{number:05}.yaml").write_text(text)
    return place
