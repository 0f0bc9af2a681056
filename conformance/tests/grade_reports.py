#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""grade_reports.py PMKIT ZOO: the JSON, JUnit and HTML of one grading are well-formed and agree."""
import html.parser
import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

pmkit, zoo = sys.argv[1:]


class Page(html.parser.HTMLParser):
    """Open tags, and the text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)
        assert not any(name in ("src", "href") for name, _ in attrs), "the page fetches something"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}>"

    def handle_data(self, data):
        self.text += data


with tempfile.TemporaryDirectory() as folder:
    paths = [f"{folder}/{form}" for form in ("json", "xml", "html", "waivers")]
    with open(paths[3], "w", encoding="utf-8") as waivers:
        waivers.write("K-MIG <why> & so on\n")
    run = subprocess.run([pmkit, "grade", "--json", paths[0], "--junit", paths[1], "--html", paths[2],
                          "--waivers", paths[3], "K-", "--", zoo, "marker_is_swap"], capture_output=True, text=True)
    if run.returncode == 77:
        sys.exit(77)
    assert run.returncode == 1, run.stderr
    with open(paths[0], encoding="utf-8") as file:
        score = json.load(file)
    junit = xml.etree.ElementTree.parse(paths[1]).getroot().find("testsuite")
    with open(paths[2], encoding="utf-8") as file:
        page = Page(file.read())

count, questions = score["count"], score["questions"]
assert count["miss"] == sum(q["grade"] == "miss" for q in questions) > 1
assert count["waived"] == sum(q["waived"] for q in questions) == 1
assert sum(c["asked"] for c in score["clauses"]) >= len(questions)
assert score["percent"] == round(100 * count["right"] / len(questions), 6)
missed = {c["clause"] for c in score["clauses"] if c["right"] < c["asked"]}
assert {"K-GUARD", "K-MIG"} <= missed and "K-SWAP" not in missed, missed

assert int(junit.get("tests")) == len(questions) == len(junit.findall("testcase"))
assert int(junit.get("failures")) == len(junit.findall("testcase/failure")) == count["miss"] - 1
assert int(junit.get("skipped")) == len(junit.findall("testcase/skipped")) == 1
assert "waived: miss" in junit.find("testcase/skipped").get("message")

assert not page.open, page.open
assert "<why> & so on" in page.text and "swap-kind: expected marker, answered real" in page.text
assert f"{score['percent']:.1f}" in page.text
