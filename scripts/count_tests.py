# Counts the single tests in what ctest has run: count_tests.py TESTS.xml prints "passed failed skipped". One ctest entry is
# one program; cmocka's and pytest's print the tests inside, other programs count as one test.
import re
import sys
import xml.etree.ElementTree as ElementTree

CMOCKA = {"       OK ": 0, "  FAILED  ": 1, "  SKIPPED ": 2}
PYTEST = {"passed": 0, "xfailed": 0, "failed": 1, "error": 1, "errors": 1, "xpassed": 1, "skipped": 2}


def inside(output):
    counts = [0, 0, 0]
    head, _, _ = output.partition("test(s) run.")  # the list of the failed comes again after it
    for mark, which in CMOCKA.items():
        counts[which] += len(re.findall(r"^\[%s\] \w" % mark, head, re.MULTILINE))
    for line in re.findall(r"^(?:=+ )?(\d+ (?:passed|failed|skipped|error).*) in [\d.]+s", output, re.MULTILINE):
        for number, word in re.findall(r"(\d+) (\w+)", line):
            if word in PYTEST:
                counts[PYTEST[word]] += int(number)
    return counts


def count(case):
    counts = inside(case.findtext("system-out") or "")
    status = case.get("status")
    if status in ("notrun", "disabled"):  # "skipped" is also said of what could not be started
        why = case.find("skipped")
        asked = status == "disabled" or (why is not None and why.get("message", "").startswith("SKIP_"))
        return [0, 0, 1] if asked else [0, 1, 0]
    if status == "fail" and counts[1] == 0:
        counts[1] = 1  # it crashed, or ran out of time
    if status == "run" and not any(counts):
        counts[0] = 1
    return counts


def main():
    cases = ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
    print(*[sum(column) for column in zip(*map(count, cases))])


main()
