#!/usr/bin/env python3
"""A plain model of Debian's cron (3.0pl1): it wakes every minute and decides as the main loop of cron.c does.

stdin: one JSON object, {"zone": NAME, "windows": [[from, to]...], "expressions": [TEXT...]}; times are whole minutes.
stdout: for each expression the sorted times at which cron would start the job, over all windows.
"""
import datetime
import json
import sys
import zoneinfo

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
NAMED = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
         "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}


def field(text, low, high, names=()):
    numbers = set()
    for part in text.lower().split(","):
        base, _, step = part.partition("/")
        if base == "*":
            first, last = low, high
        else:
            ends = [names.index(end) + low if end in names else int(end) for end in base.split("-")]
            first, last = ends[0], ends[-1]
        numbers.update(range(first, last + 1, int(step or 1)))
    return numbers


class Entry:
    def __init__(self, text):
        minute, hour, dom, month, dow = NAMED.get(text, text).split()
        self.minutes = field(minute, 0, 59)
        self.hours = field(hour, 0, 23)
        self.doms = field(dom, 1, 31)
        self.months = field(month, 1, 12, MONTHS)
        self.dows = {day % 7 for day in field(dow, 0, 7, DAYS)}
        self.wild = minute[0] == "*" or hour[0] == "*"
        self.dom_star, self.dow_star = dom[0] == "*", dow[0] == "*"
        self.runs = set()

    def matches(self, wall):
        by_month, by_week = wall.day in self.doms, (wall.weekday() + 1) % 7 in self.dows
        day = by_month and by_week if self.dom_star or self.dow_star else by_month or by_week
        return wall.minute in self.minutes and wall.hour in self.hours and wall.month in self.months and day


def runs(zone_name, windows, expressions):
    zone = zoneinfo.ZoneInfo(zone_name)
    entries = [Entry(text) for text in expressions]

    def clock(time):
        return (time + int(datetime.datetime.fromtimestamp(time, zone).utcoffset().total_seconds())) // 60

    def find_jobs(virtual, now, wild, fixed):
        wall = datetime.datetime(1970, 1, 1) + datetime.timedelta(minutes=virtual)
        for entry in entries:
            if (wild if entry.wild else fixed) and entry.matches(wall):
                entry.runs.add(now)

    for start, end in windows:
        virtual = clock(start)
        for now in range(start + 60, end, 60):
            running = clock(now)
            difference = running - virtual
            if difference == 1:
                virtual = running
                find_jobs(virtual, now, True, True)
            elif difference > 180 or difference <= -180:
                virtual = running
                find_jobs(virtual, now, True, True)
            elif difference > 5:
                find_jobs(running, now, True, False)
                while virtual < running:
                    virtual += 1
                    find_jobs(virtual, now, False, True)
            elif difference > 0:
                while virtual < running:
                    virtual += 1
                    find_jobs(virtual, now, True, True)
            else:
                find_jobs(running, now, True, False)
    return [sorted(entry.runs) for entry in entries]


if __name__ == "__main__":
    task = json.load(sys.stdin)
    print(json.dumps(runs(task["zone"], task["windows"], task["expressions"])))
