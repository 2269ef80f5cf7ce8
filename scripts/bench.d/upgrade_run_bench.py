"""Measures an upgrade of one virtual cluster with the real binary, against the sandbox: what it takes beyond a backup and the pod's
own restart."""
import base64
import http.client
import json
import re
import ssl
import statistics
import tempfile
import time
import urllib.parse

from host_bench import Hosts

SIZE, OVERHEAD = 5_000_000, 2.0
# Each goes one minor up, and the sandbox has images of so many more.
RUNS = 3
LIMIT = 120


class HostAPI:
    """A host's API by its kubeconfig, on one connection: no program is started for a question."""

    def __init__(self, kubeconfig):
        with open(kubeconfig) as file:
            text = file.read()

        def data(key):
            return base64.b64decode(re.search(rf"{key}: (\S+)", text).group(1))

        context = ssl.create_default_context(cadata=data("certificate-authority-data").decode())
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(data("client-certificate-data") + b"\n" + data("client-key-data"))
            pair.flush()
            context.load_cert_chain(pair.name)
        place = urllib.parse.urlparse(re.search(r"server: (\S+)", text).group(1))
        self.connection = http.client.HTTPSConnection(place.hostname, place.port, context=context, timeout=LIMIT)

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/merge-patch+json"} if body else {}
        self.connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return json.loads(content) if answer.status == 200 else None

    def scale(self, namespace, name, replicas):
        """Until the pod is gone, or ready."""
        workload = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}"
        self.ask("PATCH", workload, {"spec": {"replicas": replicas}})
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            pod = self.ask("GET", f"/api/v1/namespaces/{namespace}/pods/{name}-0")
            conditions = (pod or {}).get("status", {}).get("conditions", [])
            is_ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
            if pod is None if replicas == 0 else is_ready:
                return
            time.sleep(0.01)
        raise SystemExit(f"bench: {namespace}/{name} did not come to {replicas} replicas in {LIMIT} s")


class UpgradeRunBench:
    def __init__(self, bench):
        self.bench = bench

    def run(self):
        with Hosts(self.bench, 1, SIZE) as hosts:
            [path] = hosts.names()
            api = HostAPI(hosts.environment["KUBECONFIG"])
            store = self.bench.empty("store")
            steps = [self.step(hosts, api, path, store) for _ in range(RUNS)]
        parts = {part: statistics.median(step[part] for step in steps) for part in steps[0]}
        label = f"{SIZE // 10 ** 6} MB cluster"
        self.bench.add(label, "`upgrade run` beyond a backup and the pod's own restart", parts["overhead"], "the bound", OVERHEAD, 1.0,
                       more={"runs": steps})
        for part, words in (("upgrade", "`upgrade run`, all of it"), ("backup", "a backup of it"), ("restart", "its pod's own restart")):
            self.bench.add(label, words, parts[part], "", None)

    def step(self, hosts, api, path, store):
        """Seconds of a backup, of a restart, of an upgrade by one minor, and what is left of that without the two."""
        namespace, name = path.split("/")[-2:]
        cluster = f"{namespace}/{name}"
        backup = self.seconds(lambda: hosts.run("backup", "create", cluster, "--store", store))
        restart = self.seconds(lambda: (api.scale(namespace, name, 0), api.scale(namespace, name, 1)))
        shown = json.loads(hosts.run("clusters", "list", "-o", "json").output)["items"][0]["version"]
        minor = int(shown.split(".")[1])
        upgrade = self.seconds(lambda: hosts.run(
            "upgrade", "run", cluster, "--to", f"v1.{minor + 1}.1+k3s1", "--store", store, "--yes"))
        return {"backup": backup, "restart": restart, "upgrade": upgrade, "overhead": upgrade - backup - restart}

    @staticmethod
    def seconds(work):
        begun = time.monotonic()
        work()
        return time.monotonic() - begun
