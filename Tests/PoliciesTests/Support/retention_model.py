#!/usr/bin/env python3
"""A plain model of the retention rules: what is kept, and why, said once more without sharing any code.

stdin: JSON lines {"zone", "now", "skew", "share", "rules": {...}, "acknowledged": {identity: [time, id]},
"archives": [{"id", "time", "identity", "complete", "level", "problem", "pinned", "parent", "keys"}]}.
stdout: one JSON line each, {"kept": {id: [reasons]}, "dropped": {id: reason}, "frozen": {identity: id}}.
"""
import datetime
import functools
import json
import sys
import zoneinfo

NAMES = {
    "hourly": lambda t: t.strftime("%Y-%m-%dT%H"), "daily": lambda t: t.strftime("%Y-%m-%d"),
    "weekly": lambda t: t.strftime("%G-W%V"), "monthly": lambda t: t.strftime("%Y-%m"),
    "yearly": lambda t: t.strftime("%Y"),
}


@functools.lru_cache(maxsize=100_000)
def bucket_of(zone, period, time):
    return NAMES[period](datetime.datetime.fromtimestamp(time, zone))


def age(archive):
    return archive["time"], archive["id"]


def judge(task):
    zone, rules = zoneinfo.ZoneInfo(task["zone"]), task["rules"]
    kept, dropped, frozen = {}, {}, {}
    by_id = {archive["id"]: archive for archive in task["archives"]}
    limit = {}
    for identity in {archive["identity"] for archive in task["archives"]}:
        mine = [a for a in task["archives"] if a["identity"] == identity]
        limit[identity] = max(1, int(len(mine) * task["share"]))
        future = {a["id"] for a in mine if a["time"] > task["now"] + task["skew"]}
        sound = sorted((a for a in mine if not a.get("problem") and a["id"] not in future), key=age, reverse=True)
        complete = [a for a in sound if a["complete"]]
        why = {a["id"]: set() for a in mine}
        gone = {}

        keeping = {k: v for k, v in rules.items() if k not in ("maxCount", "maxAge")}
        if not rules:
            for a in mine:
                why[a["id"]].add("no retention rules")
        elif not keeping:
            for a in sound:
                why[a["id"]].add("below all limits")
        else:
            if "last" in keeping:
                n = keeping["last"]
                newer = [a for a in sound if not complete or age(a) > age(complete[0])]
                for a in complete[:n] + [a for a in newer if not a["complete"]][:n]:
                    why[a["id"]].add(f"last {n}")
            if "within" in keeping and sound:
                for a in sound:
                    if a["time"] >= sound[0]["time"] - keeping["within"]:
                        why[a["id"]].add(f"within {keeping['within'] // 86400}d")
            for period in NAMES:
                if period not in keeping:
                    continue
                members = {}
                for a in sound:
                    members.setdefault(bucket_of(zone, period, a["time"]), []).append(a)
                buckets = sorted(members, reverse=True)
                for bucket in buckets[:keeping[period]]:
                    best = max(members[bucket], key=lambda a: (a["complete"], age(a)))
                    why[best["id"]].add(f"{period} {bucket}")
                if sound and len(buckets) < keeping[period]:
                    last = sound[-1]
                    if not any(reason.startswith(period) for reason in why[last["id"]]):
                        why[last["id"]].add(f"oldest, {period} is not full")
            for a in sound:
                if not why[a["id"]]:
                    gone[a["id"]] = "no rule keeps it"
        if "maxCount" in rules:
            staying = sorted((a for a in sound if a["id"] not in gone), key=lambda a: (a["complete"], age(a)), reverse=True)
            for a in staying[rules["maxCount"]:]:
                gone[a["id"]], why[a["id"]] = f"more than {rules['maxCount']}", set()
        if "maxAge" in rules:
            for a in mine:
                old = a["time"] < task["now"] - rules["maxAge"]
                if old and (not a.get("problem") or any(age(c) > age(a) for c in complete)):
                    gone[a["id"]], why[a["id"]] = f"older than {rules['maxAge'] // 86400}d", set()
        for a in mine:
            if a["id"] in future:
                why[a["id"]].add("in the future")
                gone.pop(a["id"], None)
            if a.get("problem") and a["id"] not in gone:
                why[a["id"]].add(f"unreadable: {a['problem']}")
            if a.get("pinned"):
                why[a["id"]].add(f"pinned: {a['pinned']}")
        verified = [a for a in complete if a["level"] >= 2]
        if verified:
            why[verified[0]["id"]].add("newest verified good")
        if complete:
            why[complete[0]["id"]].add("newest good")
        for a in complete[:-1]:
            if a["id"] == task["acknowledged"].get(identity, (0, None))[1]:
                why[a["id"]].add("acknowledged loss of keys")
        if sound and not sound[0]["complete"]:
            why[sound[0]["id"]].add("newest, though partial")
        counted = [a for a in complete if a.get("keys") is not None]
        seen = task["acknowledged"].get(identity)
        for newer, older in zip(counted, counted[1:]):
            if newer.get("keys") * 2 < older.get("keys") and not (seen and age(newer) <= tuple(seen)):
                frozen[identity] = newer["id"]
                text = (f"frozen: {identity.split(' ')[0]}: live keys fell from {older['keys']} to {newer['keys']}"
                        f" in backup {newer['id']}")
                for a in mine:
                    why[a["id"]].add(text)
                break
        for a in mine:
            if a["id"] in gone and not why[a["id"]]:
                dropped[a["id"]] = gone[a["id"]]
            else:
                kept[a["id"]] = why[a["id"]]

    def save_parents():
        changed = True
        while changed:
            changed = False
            for identifier in list(kept):
                parent = by_id[identifier].get("parent")
                if parent in by_id:
                    if parent in dropped:
                        del dropped[parent]
                        kept[parent] = set()
                        changed = True
                    if f"parent of {identifier}" not in kept[parent]:
                        kept[parent].add(f"parent of {identifier}")
                        changed = True

    save_parents()
    for identity, most in limit.items():
        waiting = {i for i in dropped if by_id[i]["identity"] == identity}
        for _ in range(most):
            free = [i for i in waiting if not any(by_id[j].get("parent") == i for j in waiting)]
            if free:
                waiting.remove(min(free, key=lambda i: age(by_id[i])))
        for identifier in waiting:
            del dropped[identifier]
            kept[identifier] = {f"later: at most {most} in one run"}
    save_parents()
    return {"kept": {i: sorted(r) for i, r in kept.items()}, "dropped": dropped, "frozen": frozen}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line))))
