#!/usr/bin/env python3
"""Prints what Python's zoneinfo says of zones: `zones.py FROM-YEAR TO-YEAR ZONE...` ("all" for each one of tzdata).

One JSON line per zone: every change of the offset as [time, before, after], and samples of [time, offset].
"""
import datetime
import json
import sys
import zoneinfo


def main():
    first, last = int(sys.argv[1]), int(sys.argv[2])
    names = sys.argv[3:]
    if names == ["all"]:
        names = sorted(name for name in zoneinfo.available_timezones() if "/" in name)
    start = int(datetime.datetime(first, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
    end = int(datetime.datetime(last, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
    for name in names:
        zone = zoneinfo.ZoneInfo(name)

        def offset(time):
            moment = datetime.datetime.fromtimestamp(time, zone)
            return int(moment.utcoffset().total_seconds())

        changes, samples = [], []
        before = offset(start)
        for time in range(start, end, 86400):
            after = offset(time + 86400)
            if after != before:
                low, high = time, time + 86400
                while high - low > 1:
                    middle = (low + high) // 2
                    if offset(middle) == before:
                        low = middle
                    else:
                        high = middle
                changes.append([high, before, after])
            before = after
        for number in range(200):
            time = start + (end - start) * number // 200 + number * 977
            samples.append([time, offset(time)])
        print(json.dumps({"zone": name, "start": start, "end": end, "changes": changes, "samples": samples}))


main()
