#!/usr/bin/env python3
"""A plain model of a year of schedules and of the store that they fill, beside the models of cron and of retention.

`year_model.py due`: stdin {"from", "to", "schedules": [{"seed", "cron", "zone"}]}; stdout for each its times.
`year_model.py store`: stdin JSON lines of what happened, in order:
  {"rules": {cluster: [{"zone", "rules"}]}}, {"add": ARCHIVE, "cluster"}, {"verify": id, "level"}, {"pin": id},
  {"acknowledge": id}, {"prune": cluster, "now"}, {"list": cluster};
stdout one line for each "prune" (the ids that go, sorted) and each "list" (the ids that are there, sorted).
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "PoliciesTests" / "Support"))
import cron_model  # noqa: E402
import retention_model  # noqa: E402

MASK = (1 << 64) - 1
LOWEST_AND_COUNT = [(0, 60), (0, 24), (1, 31), (1, 12), (0, 7)]


def number_for_h(seed, position):
    """FNV-1a over the seed, a zero byte and the field's number, then the finalizer of MurmurHash3."""
    value = 0xCBF29CE484222325
    for byte in seed.encode() + bytes([0, position]):
        value = (value ^ byte) * 0x100000001B3 & MASK
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    lowest, count = LOWEST_AND_COUNT[position]
    return lowest + (value ^ value >> 33) % count


def due(task):
    by_zone = {}
    for place, schedule in enumerate(task["schedules"]):
        fields = schedule["cron"].split()
        text = " ".join(
            str(number_for_h(schedule["seed"], i)) if field == "H" else field for i, field in enumerate(fields))
        by_zone.setdefault(schedule["zone"], []).append((place, text))
    times = [None] * len(task["schedules"])
    for zone, texts in by_zone.items():
        found = cron_model.runs(zone, [[task["from"], task["to"]]], [text for _, text in texts])
        for (place, _), runs in zip(texts, found):
            times[place] = runs
    return times


def store(lines):
    rules, clusters, by_id, acknowledged = {}, {}, {}, set()

    def prune(cluster, now):
        archives = clusters[cluster]
        seen = {}
        for archive in archives.values():
            if archive["id"] in acknowledged:
                newest = max(seen.get(archive["identity"], (0, "")), (archive["time"], archive["id"]))
                seen[archive["identity"]] = newest
        gone = None
        for rule in rules[cluster]:
            task = {"zone": rule["zone"], "now": now, "skew": 300, "share": 0.5, "rules": rule["rules"],
                    "acknowledged": seen, "archives": list(archives.values())}
            dropped = set(retention_model.judge(task)["dropped"])
            gone = dropped if gone is None else gone & dropped
        for identifier in gone:
            del archives[identifier]
        return sorted(gone)

    for line in lines:
        event = json.loads(line)
        if "rules" in event:
            rules = event["rules"]
        elif "add" in event:
            archive = event["add"]
            by_id[archive["id"]] = archive
            clusters.setdefault(event["cluster"], {})[archive["id"]] = archive
        elif "verify" in event:
            by_id[event["verify"]]["level"] = event["level"]
        elif "pin" in event:
            by_id[event["pin"]]["pinned"] = "somebody"
        elif "acknowledge" in event:
            acknowledged.add(event["acknowledge"])
        elif "prune" in event:
            yield prune(event["prune"], event["now"])
        else:
            yield sorted(clusters.get(event["list"], {}))


if sys.argv[1] == "due":
    print(json.dumps(due(json.load(sys.stdin))))
else:
    for answer in store(sys.stdin):
        print(json.dumps(answer))
