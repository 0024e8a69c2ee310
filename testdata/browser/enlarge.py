#!/usr/bin/env python3
"""Makes larger documents of real ones, into the working directory.

Usage: enlarge.py RUN-REPORT... EVIDENCE

many-tables.json is the last of the reports with five thousand tables more; node1.json to node3.json are the evidence
as that of a cluster of four. Some names are markup, or as long as names can be.
"""

import datetime
import json
import pathlib
import sys

MARKUP = "<script>alert(1)</script>\"'&lt;"
LONG = "a_name_of_48_characters_which_is_the_longest_one"


def many_tables(report):
    began = datetime.datetime(2026, 4, 13, 20, 5)

    def at(seconds):
        return (began + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    for number in range(5000):
        size = 10**12 // (number + 1)
        of = {outcome: {"sstables": 3, "bytes": size // divisor}
              for outcome, divisor, each in (("rewritten", 1, 1), ("skipped", 5, 7), ("failed", 9, 11), ("left", 4, 13))
              if number % each == 0}
        report["tables"][f"shop.{LONG}_{number}"] = {**of, "old_keys": [], "began": at(number), "ended": at(3 * number + 60)}
    report["tables"][f"shop.{MARKUP}"] = {"rewritten": {"sstables": 1, "bytes": 10**12}, "old_keys": []}
    fault = {"kind": "corrupt", "message": f"/data/{'d' * 300}/nb-1-big-Data.db: {MARKUP}", "cure": MARKUP}
    failed = {"table": MARKUP, "outcome": "failed", "error": fault}
    report["sstables"] += [failed] * 2000
    report["began"], report["ended"], report["exit_status"] = at(0), at(20000), 75
    report["node"] = {"host_id": "0" * 32, "cluster": MARKUP, "data_center": "dc1", "rack": "r1", "release_version": None}
    return report


def node(evidence, number):
    evidence = json.loads(json.dumps(evidence))
    ids = [f"{number:032x}" for number in range(1, 5)]
    evidence["host"] = f"node{number}.{'long-' * 12}name.example"
    evidence["node"] = {"host_id": ids[number - 1], "cluster": "shop", "data_center": "dc1", "rack": "r1",
                        "release_version": "4.0.11"}
    evidence["ring"] = [{"host_id": one, "address": "2001:db8::" + one[-1], "data_center": "dc1", "rack": "r1"} for one in ids]
    use = {"place": "snapshot", "tag": MARKUP, "table": f"shop.{MARKUP}", "files": 3, "bytes": 1 << 40, "chunks": 9,
           "oldest": None, "newest": None, "path": None}
    for key in range(40):
        name = {"provider": "kmip", "group": "vault", "id": f"{'k' * 60}-{key}"}
        evidence["keys"].append({"key": name, "state": "Active", "uses": [{**use, "bytes": use["bytes"] >> key}]})
    return evidence


def main():
    *reports, evidence = [json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:]]
    documents = {"many-tables": many_tables(reports[-1])}
    documents |= {f"node{number}": node(evidence, number) for number in (1, 2, 3)}
    for name, document in documents.items():
        pathlib.Path(f"{name}.json").write_text(json.dumps(document))


if __name__ == "__main__":
    main()
