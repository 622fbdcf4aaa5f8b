#!/usr/bin/env bash
# scripts/count_tests.py: what cmocka, pytest and plain programs print, what crashes, and what is not run: counts_test.sh PYTHON
set -euo pipefail

scripts=$(cd "$(dirname "$0")/../.." && pwd)/scripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/tests.xml" <<'END'
<testsuite>
  <testcase name="cmocka" status="fail"><failure/><system-out>
[==========] Running 4 test(s).
[ RUN      ] test_a
[       OK ] test_a
[ RUN      ] test_b
[  ERROR   ] --- 1 != 2
[  FAILED  ] test_b
[ RUN      ] test_c
[  SKIPPED ] test_c
[       OK ] test_d
[==========] 4 test(s) run.
[  PASSED  ] 2 test(s).
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] test_b
  </system-out></testcase>
  <testcase name="pytest" status="fail"><failure/><system-out>
2 failed, 10 passed, 3 skipped in 2.86s
  </system-out></testcase>
  <testcase name="pytest, not -q" status="run"><system-out>
============ 5 passed, 1 xfailed in 0.10s ============
  </system-out></testcase>
  <testcase name="plain" status="run"><system-out>hello</system-out></testcase>
  <testcase name="crashed" status="fail"><failure/><system-out>[       OK ] test_before</system-out></testcase>
  <testcase name="without a binary" status="notrun"><skipped message="Unable to find executable"/></testcase>
  <testcase name="skipped" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
</testsuite>
END
counts=$("$1" "$scripts/count_tests.py" "$work/tests.xml")
[ "$counts" = "20 5 5" ] || { echo "counted $counts, not 20 5 5" >&2; exit 1; }
echo "counts are right"
