#!/usr/bin/env python3
"""Engines that only remember, for the benchmark of many nodes: one process, a unix socket and an address of
its own (127.2.x.y) for each node.

    world.py FOLDER NODES PORT CONFIG_YAML MARIADB_ARGUMENT...

FOLDER/N/docker.sock is the engine of node N. What takes a real engine time takes time here (STOP_S, START_S,
INIT_S), so that the figures say what omslaunch adds. Nodes that run write heartbeats through the mariadb
client. "ready" on stdout says that all of them listen.
"""
import asyncio
import base64
import io
import json
import os
import subprocess
import sys
import tarfile
import time
import urllib.parse

STOP_S, START_S, INIT_S = 1.0, 0.3, 1.0
OLD_IMAGE, NEW_IMAGE = "lab/oms:feature_3.3.1-ce", "lab/oms:feature_4.0.0-ce"
NEVER = "0001-01-01T00:00:00Z"
PATHS = ["/home/admin/logs", "/home/ds/store", "/home/ds/run"]


def address(number):
    return "127.2.%d.%d" % (number // 200, 1 + number % 200)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def image_id(ref):
    return "sha256:" + ("a" if ref == OLD_IMAGE else "b") * 64


class Container:
    def __init__(self, ident, name, body):
        self.id, self.name = ident, name
        self.host_config = body.pop("HostConfig")
        self.config = body
        self.status, self.started, self.finished = "created", NEVER, NEVER

    def mounts(self):
        for bind in self.host_config["Binds"]:
            source, destination = bind.split(":")[:2]
            yield {"Type": "bind", "Source": source, "Destination": destination, "Mode": "", "RW": True,
                   "Propagation": "rprivate"}

    def inspect(self):
        return {"Id": self.id, "Name": "/" + self.name, "Image": image_id(self.config["Image"]),
                "State": {"Status": self.status, "Running": self.status == "running", "Restarting": False,
                          "ExitCode": 0, "StartedAt": self.started, "FinishedAt": self.finished},
                "Config": self.config, "HostConfig": self.host_config, "Mounts": list(self.mounts())}


class Node:
    def __init__(self, number, config):
        self.number, self.ip, self.config = number, address(number), config
        self.containers, self.execs = [], {}
        old = {"Image": OLD_IMAGE, "Env": ["OMS_HOST_IP=" + self.ip, "PATH=/bin"], "Tty": True, "OpenStdin": True,
               "Labels": {}, "HostConfig": {
                   "Binds": ["/d/config.yaml:/home/admin/conf/config.yaml"] + ["/d%s:%s" % (p, p) for p in PATHS],
                   "NetworkMode": "host", "Privileged": True, "PidsLimit": None,
                   "Ulimits": [{"Name": "nproc", "Soft": 65535, "Hard": 65535}],
                   "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}}}
        first = Container("%064x" % (number + 1), "oms_331", old)
        first.status, first.started = "running", now()
        self.containers.append(first)

    def find(self, key):
        for container in self.containers:
            if key in (container.id, container.name):
                return container
        return None

    def serves(self):
        return any(c.status == "running" for c in self.containers)

    async def answer(self, method, path, query, body):
        """Returns (status, headers, body)."""
        parts = path.strip("/").split("/")
        if parts[0].startswith("v1."):
            parts = parts[1:]
        if parts == ["_ping"]:
            return 200, {"Api-Version": "1.41"}, b"OK"
        if parts == ["info"]:
            return js(200, {"ID": "ENGINE:%d" % self.number, "Name": "node%d" % self.number, "NCPU": 16, "MemTotal": 64 * 10**9,
                            "ServerVersion": "20.10.24", "Architecture": "x86_64", "OSType": "linux",
                            "Driver": "overlay2", "DockerRootDir": "/var/lib/docker",
                            "SystemTime": time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())})
        if parts[0] == "images":
            ref = NEW_IMAGE if "feature_4" in path or "bbbb" in path else OLD_IMAGE
            return js(200, {"Id": image_id(ref), "Architecture": "amd64", "RepoTags": [ref], "RepoDigests": [],
                            "Config": {"Env": ["PATH=/bin"]}})
        if parts[0] == "exec":
            return await self.exec(parts)
        if parts[:2] == ["containers", "json"]:
            wanted = [c for c in self.containers if "filters" not in query or c.config["Labels"]]
            return js(200, [{"Id": c.id, "Names": ["/" + c.name], "State": c.status, "Image": c.config["Image"],
                             "Mounts": list(c.mounts()), "Labels": c.config["Labels"]} for c in wanted])
        if parts[:2] == ["containers", "create"]:
            made = Container("%064x" % (self.number + 0x10000), query["name"], json.loads(body))
            made.config["Env"] = made.config["Env"] + ["PATH=/bin"]
            made.config.setdefault("Labels", {})
            made.host_config["PidsLimit"] = None
            self.containers.append(made)
            return js(201, {"Id": made.id, "Warnings": []})
        container = self.find(urllib.parse.unquote(parts[1]))
        if container is None:
            return js(404, {"message": "No such container: " + parts[1]})
        return await self.of_container(container, method, parts[2:], query, body)

    async def of_container(self, container, method, verb, query, body):
        if verb == ["json"]:
            return js(200, container.inspect())
        if verb == ["archive"]:
            return self.archive(method, query["path"])
        if verb == ["rename"]:
            container.name = query["name"]
        elif verb == ["update"]:
            container.host_config["RestartPolicy"] = json.loads(body)["RestartPolicy"]
        elif verb == ["stop"]:
            if container.status == "running":
                await asyncio.sleep(STOP_S)
                container.status, container.finished = "exited", now()
        elif verb == ["start"]:
            await asyncio.sleep(START_S)
            container.status, container.started = "running", now()
        elif verb == ["exec"]:
            ident = "%064x" % (len(self.execs) + 1)
            self.execs[ident] = {"Running": False, "ExitCode": None, "Pid": 0}
            return js(201, {"Id": ident})
        elif verb == ["changes"]:
            return js(200, [])
        elif verb == ["top"]:
            return js(200, {"Titles": ["PID", "COMMAND"], "Processes": [["1", "/sbin/init"]]})
        elif verb == ["logs"]:
            return 200, {}, b"OMS service start successfully\n"
        else:
            return js(400, {"message": "not here: " + "/".join(verb)})
        return js(200, {})

    async def exec(self, parts):
        known = self.execs.get(parts[1])
        if known is None:
            return js(404, {"message": "No such exec instance"})
        if parts[2] == "json":
            return js(200, known)
        known["Running"] = True
        await asyncio.sleep(INIT_S)
        known.update(Running=False, ExitCode=0, Pid=9)
        text = b"OMS service start successfully\n"
        return 200, {"Content-Type": "application/vnd.docker.raw-stream"}, b"\1\0\0\0" + len(text).to_bytes(4, "big") + text

    def archive(self, method, path):
        is_file = path.endswith((".yaml", ".sh", ".txt"))
        if not is_file and path not in PATHS:
            return js(404, {"message": "Could not find the file " + path})
        stat = {"name": os.path.basename(path), "size": len(self.config), "mode": 0o644 if is_file else 0x80000000 | 0o755,
                "mtime": "2024-01-01T00:00:00Z", "linkTarget": ""}
        headers = {"X-Docker-Container-Path-Stat": base64.b64encode(json.dumps(stat).encode()).decode()}
        if method == "HEAD":
            return 200, headers, b""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            info = tarfile.TarInfo(stat["name"])
            info.size = len(self.config)
            tar.addfile(info, io.BytesIO(self.config))
        headers["Content-Type"] = "application/x-tar"
        return 200, headers, out.getvalue()


def js(status, value):
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


async def serve(node, reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            method, target, _ = lines[0].split(" ")
            length = next((int(l.split(":")[1]) for l in lines if l.lower().startswith("content-length:")), 0)
            body = await reader.readexactly(length)
            url = urllib.parse.urlsplit(target)
            query = dict(urllib.parse.parse_qsl(url.query))
            if node is None or url.path == "/oms/health":
                status, headers, answer = js(200, {"data": {"healthy": True}})
            else:
                status, headers, answer = await node.answer(method, url.path, query, body)
            text = "HTTP/1.1 %d X\r\n" % status
            text += "".join("%s: %s\r\n" % pair for pair in headers.items())
            text += "Content-Length: %d\r\n\r\n" % len(answer)
            writer.write(text.encode() + (b"" if method == "HEAD" else answer))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def console(node, reader, writer):
    """/oms/health of a node: refused while no container runs."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        status, _, answer = js(200 if node.serves() else 503, {"data": {"healthy": node.serves()}})
        writer.write(b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(answer)) + answer)
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def beat(nodes, mariadb):
    while True:
        alive = ",".join("'%s'" % n.ip for n in nodes if n.serves()) or "''"
        mariadb.stdin.write(("update cm_hb_331.heart_beat set gmt_modified = now() where host_ip in (%s);\n" % alive).encode())
        mariadb.stdin.flush()
        await asyncio.sleep(0.5)


async def main():
    folder, count, port, config = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    with open(config, "rb") as f:
        text = f.read()
    nodes = [Node(n, text) for n in range(count)]
    with subprocess.Popen(["mariadb", *sys.argv[5:]], stdin=subprocess.PIPE) as mariadb:
        for node in nodes:
            os.makedirs("%s/%d" % (folder, node.number), exist_ok=True)
            await asyncio.start_unix_server(lambda r, w, n=node: serve(n, r, w),
                                            "%s/%d/docker.sock" % (folder, node.number))
            await asyncio.start_server(lambda r, w, n=node: console(n, r, w), node.ip, port)
        print("ready", flush=True)
        await beat(nodes, mariadb)


asyncio.run(main())
