package main

import rego.v1

kinds := {"DaemonSet", "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Job"}

pod := input.spec if input.kind == "Pod"

pod := input.spec.template.spec if kinds[input.kind]

pod := input.spec.jobTemplate.spec.template.spec if input.kind == "CronJob"

containers contains container if {
	some field in ["containers", "initContainers", "ephemeralContainers"]
	some container in pod[field]
}

context(container) := object.get(container, "securityContext", {})

pod_context := object.get(pod, "securityContext", {})

default_capabilities := {
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
	"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

deny contains "host-namespaces" if {
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	pod[field]
}

deny contains "host-path" if pod.volumes[_].hostPath

deny contains "privileged-container" if {
	some container in containers
	context(container).privileged
}

deny contains "added-capabilities" if {
	some container in containers
	some capability in context(container).capabilities.add
	not default_capabilities[capability]
}

deny contains "host-port" if {
	some container in containers
	container.ports[_].hostPort > 0
}

deny contains "pinned-image" if {
	some container in containers
	not regex.match(`(@[a-z0-9]+:[A-Za-z0-9=_-]{32,}|:[^/]*[0-9]+[._-][0-9]+[._-][0-9]+[^/]*)$`, container.image)
}

deny contains "privilege-escalation" if {
	some container in containers
	object.get(context(container), "allowPrivilegeEscalation", true) != false
}

deny contains "run-as-non-root" if {
	some container in containers
	object.get(context(container), "runAsNonRoot", object.get(pod_context, "runAsNonRoot", false)) != true
}

deny contains "seccomp-profile" if {
	some container in containers
	profile := object.get(context(container), "seccompProfile", object.get(pod_context, "seccompProfile", {}))
	not object.get(profile, "type", "") in {"RuntimeDefault", "Localhost"}
}

deny contains "undropped-capabilities" if {
	some container in containers
	not "ALL" in object.get(object.get(context(container), "capabilities", {}), "drop", [])
}
