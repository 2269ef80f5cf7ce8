"""Measures plans of upgrades with the real binary: a large fleet, many policies, and half of it."""
import os
import re
import statistics
import subprocess
import tempfile

from upgrade_run_bench import UpgradeRunBench

CLUSTERS, POLICIES = 10_000, 50
PLAN_SECONDS, PLAN_MEMORY, TWICE = 1.0, 200 * 10 ** 6, 2.6
POLICY = """\
---
apiVersion: daytwo/v1
kind: UpgradePolicy
metadata: {{name: p{number}}}
spec:
  priority: {number}
  select: {{matchLabels: {{group: g{number}}}, names: ["c*"]}}
  target: {{channel: stable, minReleaseAge: 14d}}
  windows:
    - {{days: [sat], start: "22:00", duration: 6h, timeZone: Europe/Berlin}}
    - {{days: [{day}], start: "00:00", duration: 24h}}
  freezes: [{{from: "12-15", to: "01-06", reason: end of the year}}]
  waves: [{{name: canary, select: {{matchLabels: {{tier: t0}}}}, soak: 1h}}, {{name: quarter, percent: 25}}, {{name: rest}}]
  concurrency: {{total: 10, perHost: 2}}
"""


class UpgradeBench:
    def __init__(self, bench):
        self.bench = bench
        self.binary = bench.options.binary
        self.place = bench.empty("upgrades")

    def run(self):
        self.write("policies.yaml", "".join(
            POLICY.format(number=number, day=("tue", "wed")[number % 2]) for number in range(POLICIES)))
        self.write("catalog.yaml", self.head("VersionCatalog") +
                   '  channels: [{name: stable, latest: "v1.34.3+k3s1"}]\n  releases:\n' + "".join(
                       f'    - {{version: "v1.{minor}.{patch}+k3s1", released: "2026-0{1 + patch % 9}-10"}}\n'
                       for minor in range(28, 36) for patch in range(12)))
        half, _, _ = self.measured(CLUSTERS // 2)
        planning, whole, memory = self.measured(CLUSTERS)
        label = f"{CLUSTERS} clusters, {POLICIES} policies"
        self.bench.add(label, "planning upgrades", planning, "the bound", PLAN_SECONDS, 1.0)
        self.bench.add(label, "the same, beside half of the clusters", planning, "half of them", half, TWICE)
        self.bench.add(label, "`upgrade plan -o json`, with reading, CPU", whole, "", None)
        self.bench.add(label, "`upgrade plan -o json`, peak memory", memory, "the bound", PLAN_MEMORY, 1.0, unit="B")
        UpgradeRunBench(self.bench).run()

    def measured(self, clusters):
        """Seconds of planning, seconds of CPU of the whole command, bytes of memory; the median of the runs."""
        self.write("inventory.yaml", self.head("UpgradeInventory") + "  hosts: {%s}\n  clusters:\n" % ", ".join(
            f'h{number}: "v1.34.1"' for number in range(20)) + "".join(
                f'    - {{host: h{number % 20}, namespace: n{number % 500}, name: c{number}, version: '
                f'"v1.{30 + number % 5}.{1 + number % 3}+k3s1", labels: {{group: g{number % POLICIES}, tier: t{number % 3}}}}}\n'
                for number in range(clusters)))
        runs = [self.once() for _ in range(max(3, self.bench.options.runs))]
        return tuple(statistics.median(values) for values in zip(*runs))

    def once(self):
        command = [self.binary, "upgrade", "plan", "-o", "json", "--verbose", "--at", "2026-11-25T12:00Z", "--policy",
                   self.path("policies.yaml"), "--catalog", self.path("catalog.yaml"), "--inventory",
                   self.path("inventory.yaml")]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(command, env=self.bench.environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            text = errors.read().decode(errors="replace")
        found = re.search(r"planned \d+ clusters in ([0-9.]+) s", text)
        if process.returncode != 0 or not found:
            raise SystemExit(f"bench: upgrade plan ended with {process.returncode}\n{text}")
        return float(found.group(1)), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024

    @staticmethod
    def head(kind):
        return f"apiVersion: daytwo/v1\nkind: {kind}\nmetadata: {{name: all}}\nspec:\n"

    def path(self, name):
        return os.path.join(self.place, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
