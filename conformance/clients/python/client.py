"""What a program with PyPI's `kubernetes` does with a cluster; prints one line for each claim.

Never looks at what only a lab has. Ends with 1 at the first claim that does not hold.
"""

import socket
import sys
import time

from kubernetes import client, config, watch
from kubernetes.stream import portforward, stream

NAMESPACE = "clients-python"
IMAGE = "nginx"


def deployment(image=IMAGE, replicas=2):
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
        },
    }


def rolled_out(found):
    status, wanted = found.status, found.spec.replicas
    return (
        (status.observed_generation or 0) >= found.metadata.generation
        and status.updated_replicas == wanted
        and status.available_replicas == wanted
        and status.replicas == wanted
    )


def claim(text, holds):
    print(("ok   " if holds else "FAIL ") + text, flush=True)
    if not holds:
        sys.exit(1)


def main():
    config.load_kube_config(sys.argv[1])
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    core.create_namespace({"metadata": {"name": NAMESPACE}})

    nodes = core.list_node().items
    claim("lists nodes", len(nodes) > 0 and nodes[0].status.node_info.kubelet_version)

    apps.create_namespaced_deployment(NAMESPACE, deployment())
    begun = apps.list_namespaced_deployment(NAMESPACE)
    seen = begun.items[0]
    for event in watch.Watch().stream(
        apps.list_namespaced_deployment,
        NAMESPACE,
        resource_version=begun.metadata.resource_version,
        timeout_seconds=60,
    ):
        seen = event["object"]
        if rolled_out(seen):
            break
    claim("watches a deployment until it is rolled out", rolled_out(seen))

    before = {pod.metadata.name for pod in core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items}
    patch = {"spec": {"template": {"metadata": {"annotations": {"again": "1"}}}}}
    patched = apps.patch_namespaced_deployment("web", NAMESPACE, patch)
    claim("patches strategically", patched.spec.template.spec.containers[0].image == IMAGE)
    kinds = set()
    follow = watch.Watch()
    for event in follow.stream(
        apps.list_namespaced_deployment,
        NAMESPACE,
        resource_version=patched.metadata.resource_version,
        timeout_seconds=60,
    ):
        kinds.add(event["type"])
        seen = event["object"]
        if rolled_out(seen):
            follow.stop()
    after = {pod.metadata.name for pod in core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items
             if pod.metadata.deletion_timestamp is None}
    claim("watches through a rolling update", rolled_out(seen) and kinds == {"MODIFIED"} and not before & after)

    name = sorted(after)[0]
    said = stream(core.connect_get_namespaced_pod_exec, name, NAMESPACE,
                  command=["sh", "-c", "echo out; echo err >&2"],
                  stdin=False, stdout=True, stderr=True, tty=False)
    claim("executes a command", "out\n" in said and "err\n" in said)
    talk = stream(core.connect_get_namespaced_pod_exec, name, NAMESPACE,
                  command=["sh", "-c", "read line; echo \"heard $line\"; exit 3"],
                  stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False)
    talk.write_stdin("hello\n")
    talk.run_forever(timeout=20)
    claim("talks to a command and learns its exit code",
          talk.read_stdout() == "heard hello\n" and talk.returncode == 3)

    forward = portforward(core.connect_get_namespaced_pod_portforward, name, NAMESPACE, ports="80")
    http = forward.socket(80)
    http.setblocking(True)
    http.settimeout(20)
    http.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    page = b""
    while piece := http.recv(65536):
        page += piece
    claim("forwards a port", b"Welcome to nginx!" in page and forward.error(80) is None)
    forward = portforward(core.connect_get_namespaced_pod_portforward, name, NAMESPACE, ports="81")
    http = forward.socket(81)
    http.setblocking(True)
    http.settimeout(20)
    try:
        http.recv(1)
    except OSError:
        pass
    claim("learns why a port cannot be forwarded", "connection refused" in (forward.error(81) or ""))

    log = core.read_namespaced_pod_log(name, NAMESPACE, tail_lines=1)
    claim("reads a log", "GET / HTTP/1.1" in log)

    applied = apps.patch_namespaced_deployment(
        "web", NAMESPACE, deployment(replicas=3), field_manager="python", force=True,
        _content_type="application/apply-patch+yaml")
    managers = {entry.manager for entry in applied.metadata.managed_fields or []}
    claim("applies on the server", applied.spec.replicas == 3 and "python" in managers)
    merged = core.patch_namespace(NAMESPACE, [{"op": "add", "path": "/metadata/labels/by", "value": "python"}])
    claim("patches by JSON patch", merged.metadata.labels["by"] == "python")
    try:
        core.read_namespaced_pod("none", NAMESPACE)
    except client.ApiException as refusal:
        claim("is told what is not there", refusal.status == 404 and 'pods \\"none\\" not found' in refusal.body)
    core.delete_namespace(NAMESPACE)


if __name__ == "__main__":
    main()
