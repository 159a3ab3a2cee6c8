"""Sits down at kubetui, an interactive tool that its authors wrote; prints one line for each claim.

kubetui.py TOOL KUBECONFIG. Types keys and reads the screen, as a person does; ends with 1 at the
first claim that does not hold.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

import pyte
from kubernetes import client, config

NAMESPACE = "clients-kubetui"
ROWS, COLUMNS = 40, 140
PATIENCE_S = 30
QUIT = b"q"


class Seat:
    """A terminal with the tool on it."""

    def __init__(self, tool, kubeconfig):
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            environment = {"TERM": "xterm-256color", "HOME": "/nonexistent", "PATH": os.environ["PATH"]}
            arguments = [tool, "--kubeconfig", kubeconfig, "--namespaces", NAMESPACE]
            os.execve(tool, arguments, environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def press(self, keys):
        os.write(self.terminal, keys)

    def look(self):
        """Reads what there is; whether the tool is still there."""
        ready, _, _ = select.select([self.terminal], [], [], 0.1)
        if ready:
            try:
                self.stream.feed(os.read(self.terminal, 65536))
            except OSError:
                return False
        return True

    def shows(self, *words):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.look():
            page = "\n".join(self.screen.display)
            if all(word in page for word in words):
                return True
        print("\n".join(line.rstrip() for line in self.screen.display if line.strip()))
        return False

    def ends(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.look():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1]) == 0


def claim(text, holds):
    print(("ok   " if holds else "FAIL ") + text, flush=True)
    if not holds:
        sys.exit(1)


def deployment():
    labels = {"app": "web"}
    container = {"name": "web", "image": "nginx"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def main():
    tool, kubeconfig = sys.argv[1:]
    config.load_kube_config(kubeconfig)
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    core.create_namespace({"metadata": {"name": NAMESPACE}})
    apps.create_namespaced_deployment(NAMESPACE, deployment())
    seat = Seat(tool, kubeconfig)
    claim("lists pods", seat.shows("ns: " + NAMESPACE, "Pod [1/1]", "web-", "1/1", "Running"))
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 3}})
    claim("follows a deployment that is scaled", seat.shows("Pod [1/3]"))
    seat.press(b"\r")
    claim("follows a pod's log", seat.shows("[notice] 1#1: nginx/"))
    seat.press(b"2")
    claim("lists what is configured", seat.shows("kube-root-ca.crt"))
    seat.press(b"\r")
    claim("reads an object", seat.shows("BEGIN CERTIFICATE"))
    seat.press(b"4")
    claim("lists events", seat.shows("Scaled up replica set web-", "from 1 to 3"))
    seat.press(b"5")
    claim("lists nodes", seat.shows("node-1", "Ready"))
    seat.press(QUIT)
    claim("ends when it is told to", seat.ends())
    core.delete_namespace(NAMESPACE)


if __name__ == "__main__":
    main()
