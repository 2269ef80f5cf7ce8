"""Measures work on host clusters with the real binary, against the sandbox: a backup through exec beside one of the same directory, a
fleet beside its compression alone, a listing, and how long a restore keeps a control plane away."""
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

LARGE, FLEET, FLEET_SIZE, MANY = 200_000_000, 50, 5_000_000, 500
THROUGH_EXEC, FLEET_RATIO, DOWNTIME = 1.3, 1.5, 5.0
START = 0.5
READY = 900


class Hosts:
    """A sandbox with so many virtual clusters, all of them ready."""

    def __init__(self, bench, clusters, size):
        self.bench, self.binary = bench, bench.options.binary
        self.sandbox = os.path.join(os.path.dirname(self.binary), "daytwo-sandbox")
        # Short, since a socket lies in it.
        self.state = tempfile.mkdtemp(prefix="bench")
        self.environment = dict(
            bench.environment, KUBECONFIG=os.path.join(self.state, "host-1.kubeconfig"), DAYTWO_AGENT_IMAGE="daytwo:bench",
            DAYTWO_STATE_DIR=bench.empty("host-jobs"))
        self.process = subprocess.Popen(
            [self.sandbox, "up", "--state", self.state, "--hosts", "1", "--clusters", str(clusters), "--size", str(size),
             "--generation", "D", "--start-seconds", str(START), "--daytwo", self.binary],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.wait(clusters)

    def wait(self, clusters):
        limit = time.monotonic() + READY
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise SystemExit(f"bench: the sandbox ended with {self.process.returncode}")
            status = self.status()
            if status and sum(cluster["ready"] for cluster in status["virtualClusters"]) == clusters:
                return
            time.sleep(0.2)
        raise SystemExit(f"bench: the sandbox's {clusters} clusters did not get ready in {READY} s")

    def status(self):
        run = subprocess.run([self.sandbox, "status", "--state", self.state], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return json.loads(run.stdout)["hosts"][0] if run.returncode == 0 else None

    def names(self):
        return self.run("clusters", "list", "-o", "name").output.split()

    def run(self, *arguments):
        return self.bench.command([self.binary, *arguments], env=self.environment)

    def volumes(self):
        """Those of control planes; others belong to what runs inside."""
        place = os.path.join(self.state, "host-1", "volumes")
        return [volume for volume in sorted(os.path.join(place, name) for name in os.listdir(place)) if os.path.exists(self.database(volume))]

    @staticmethod
    def database(volume):
        return os.path.join(volume, "server", "db", "state.db")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([self.sandbox, "down", "--state", self.state], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.state, ignore_errors=True)


class HostBench:
    def __init__(self, bench):
        self.bench = bench

    def run(self):
        with Hosts(self.bench, 1, LARGE) as hosts:
            self.through_exec(hosts)
            self.downtime(hosts)
        with Hosts(self.bench, FLEET, FLEET_SIZE) as hosts:
            self.fleet(hosts)
        with Hosts(self.bench, MANY, 20_000) as hosts:
            self.listing(hosts)

    def interleaved(self, commands):
        """The runs of each command, in turns."""
        runs = {name: [] for name in commands}
        for number in range(self.bench.options.runs):
            for name in list(commands) if number % 2 == 0 else list(commands)[::-1]:
                self.bench.empty("store")
                runs[name].append(commands[name]())
        return runs

    def through_exec(self, hosts):
        [cluster], [volume] = hosts.names(), hosts.volumes()
        store = self.bench.path("store")
        runs = self.interleaved({
            "exec": lambda: hosts.run("backup", "create", cluster, "--store", store, "--no-verify"),
            "directory": lambda: hosts.run(
                "backup", "create", "--data-dir", volume, "--name", "bench", "--store", store, "--no-verify"),
        })
        median = self.medians(runs)
        self.bench.add(self.label(LARGE, 1), "backup through exec, not read back", median["exec"], "the same, of its directory",
                       median["directory"], THROUGH_EXEC, more=self.seconds(runs))
        self.bench.add(self.label(LARGE, 1), "backup through exec, peak memory", max(run.memory for run in runs["exec"]),
                       "the same, of its directory", max(run.memory for run in runs["directory"]), unit="B")

    def downtime(self, hosts):
        [cluster], [volume] = hosts.names(), hosts.volumes()
        database = hosts.database(volume)
        store = self.bench.empty("store")
        hosts.run("backup", "create", cluster, "--store", store, "--no-verify")
        away, copies = [], []
        for _ in range(self.bench.options.runs):
            begun = time.monotonic()
            self.bench.command(["bash", "-c", 'cp "$1" "$2" && sync "$2"', "bench", database, self.bench.path("copy")])
            copies.append(time.monotonic() - begun)
            os.remove(self.bench.path("copy"))
            document = json.loads(hosts.run(
                "restore", "run", cluster, f"host-1/{cluster}@latest", "--store", store, "--yes", "-o", "json").output)
            away.append(document["downtimeSeconds"] - START)
        self.bench.add(self.label(LARGE, 1), "restore in place: control plane away, without its own start", statistics.median(away),
                       "5 s and a copy of the database", DOWNTIME + statistics.median(copies), 1.0,
                       more={"runs": {"daytwo": away, "copies": copies}})

    def fleet(self, hosts):
        store = self.bench.path("store")
        databases = [hosts.database(volume) for volume in hosts.volumes()]
        cores = str(len(os.sched_getaffinity(0)))
        out = self.bench.empty("compressed")
        script = 'n=0; for f in "${@:3}"; do n=$((n + 1)); printf "%s\\0%s\\0" "$f" "$1/$n"; done | xargs -0 -n 2 -P "$2" bash -c \'zstd -3 -q -f "$0" -o "$1"\''
        first = hosts.names()[0]
        runs = self.interleaved({
            "all": lambda: hosts.run("backup", "create", "--all", "--store", store, "--no-verify"),
            "zstd": lambda: self.bench.command(["bash", "-c", script, "bench", out, cores, *databases]),
            "single": lambda: hosts.run("backup", "create", first, "--store", store, "--no-verify"),
        })
        median = self.medians(runs)
        label = self.label(FLEET_SIZE, FLEET)
        self.bench.add(label, "`backup create --all`, not read back", median["all"], f"`zstd -3` of every database, {cores} at a time",
                       median["zstd"], FLEET_RATIO, more=self.seconds(runs))
        self.bench.add(label, "`backup create --all`, not read back", median["all"], "one of them, times their number", median["single"] * FLEET)
        self.bench.add(label, "`backup create --all`, peak memory", max(run.memory for run in runs["all"]), "one of them",
                       max(run.memory for run in runs["single"]), unit="B")

    def listing(self, hosts):
        label = f"{MANY} clusters"
        runs, requests, sizes = [], [], []
        for _ in range(self.bench.options.runs):
            before = hosts.status()["traffic"]
            run = hosts.run("clusters", "list", "-o", "name")
            after = hosts.status()["traffic"]
            if len(run.output.split()) != MANY:
                raise SystemExit(f"bench: clusters list shows {len(run.output.split())} clusters and not {MANY}")
            runs.append(run)
            requests.append(after["requests"] - before["requests"])
            sizes.append(after["bytes"] - before["bytes"])
        self.bench.add(label, f"`clusters list`, {round(statistics.median(requests))} requests", statistics.median(run.seconds for run in runs), "", None)
        self.bench.add(label, "`clusters list`, bytes of answers", statistics.median(sizes), "", None, unit="B")
        self.bench.add(label, "`clusters list`, peak memory", max(run.memory for run in runs), "", None, unit="B")

    @staticmethod
    def label(size, clusters):
        return f"{size // 10 ** 6} MB cluster" if clusters == 1 else f"{clusters} clusters of {size // 10 ** 6} MB"

    @staticmethod
    def medians(runs):
        return {name: statistics.median(run.seconds for run in of) for name, of in runs.items()}

    @staticmethod
    def seconds(runs):
        return {"runs": {name: [run.seconds for run in of] for name, of in runs.items()}}
