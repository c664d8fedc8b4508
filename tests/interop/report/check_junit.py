# SPDX-License-Identifier: Apache-2.0
"""check_junit.py FILE STATUS: what CI systems read of a junit.xml agrees with itself and with evaluate's exit status."""
import re
import sys
import xml.etree.ElementTree as tree

path, status = sys.argv[1], int(sys.argv[2])
root = tree.parse(path).getroot()
assert root.tag == "testsuites" and [e.tag for e in root] == ["testsuite"], "one suite in testsuites"
suite = root[0]
cases = suite.findall("testcase")
kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
for element in (root, suite):
    assert int(element.get("tests")) == len(cases), "as many tests as it says"
    for attribute, tag in kinds.items():
        assert int(element.get(attribute)) == sum(c.find(tag) is not None for c in cases), attribute
assert suite.get("name") and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")), "name, timestamp"
names = [c.get("name") for c in cases]
assert len(set(names)) == len(names) and names[-1] == "verdict", names
for case in cases:
    assert case.get("classname") and float(case.get("time")) >= 0 and len(case) <= 1, case.attrib
    assert all(e.tag in kinds.values() and e.get("message") for e in case), "a result has a message"
passed = len(cases[-1]) == 0
assert passed == (status == 0), "the verdict's case passes exactly where evaluate does"
