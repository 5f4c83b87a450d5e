#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Automake's test driver for this project: runs one test and writes its .log and .trs.
#
# Automake's own driver counts a script as one test. Here every check in it counts, so that a
# script in which one check passed and eleven were skipped says just that. A check is a line that
# starts with "ok: NAME", "not ok: NAME" or "skip: NAME"; a script that does not name all that
# passed ends with "N passed, N failed, N skipped"; a Check program's last line has its numbers.
# A test that prints none of this counts as one.
#
# SYSIMAGE_SKIP_SLOW=1 skips the tests that SLOW_TESTS names.
set -u

name='' log='' trs='' color=no expect_failure=no
while [ $# -gt 0 ]; do
    case $1 in
    --test-name) name=$2 ;;
    --log-file) log=$2 ;;
    --trs-file) trs=$2 ;;
    --color-tests) color=$2 ;;
    --expect-failure) expect_failure=$2 ;;
    --collect-skipped-logs | --enable-hard-errors) ;;
    --) shift; break ;;
    *) echo "driver.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
[ "$expect_failure" = no ] || { echo "driver.sh: XFAIL_TESTS is not used here" >&2; exit 2; }

if [ "${SYSIMAGE_SKIP_SLOW:-0}" = 1 ] && [[ " ${SLOW_TESTS-} " = *" $name "* ]]; then
    echo "skip: it is slow, and SYSIMAGE_SKIP_SLOW is set" >"$log"
    status=77
else
    "$@" >"$log" 2>&1 </dev/null
    status=$?
fi

# One line "PASS|FAIL|SKIP TEXT" for each check.
results=$(sed -nE \
    -e 's/^ok: /PASS /p' -e 's/^not ok: /FAIL /p' -e 's/^skip: /SKIP /p' "$log"
    awk '/^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
        gsub(/,/, "")
        for (i = $5 + $7; i < $3; i++) print "PASS unit check"
        for (i = 0; i < $5 + $7; i++) print "FAIL unit check, see the log"
    }' "$log")
# Those that passed and were only counted.
unnamed=$(sed -nE 's/^([0-9]+) passed, [0-9]+ failed, [0-9]+ skipped$/\1/p' "$log" | tail -n 1)
for ((i = $(grep -c '^PASS' <<<"$results"); i < ${unnamed:-0}; i++)); do
    results+=$'\n'"PASS"
done
case $status in
0) grep -q '^PASS' <<<"$results" || results+=$'\n'"PASS" ;;
77) grep -q '^SKIP' <<<"$results" || results="SKIP no reason given" ;;
124 | 137) results+=$'\n'"FAIL stopped: it took too long" ;;
*) grep -q '^FAIL' <<<"$results" || results+=$'\n'"FAIL exit status $status" ;;
esac
count() { grep -c "^$1" <<<"$results"; }
passed=$(count PASS) failed=$(count FAIL) skipped=$(count SKIP)

if [ "$failed" -gt 0 ]; then
    global=FAIL recheck=yes copy=yes paint='0;31'
elif [ "$passed" -gt 0 ]; then
    global=PASS recheck=no copy=no paint='0;32'
else
    global=SKIP recheck=yes copy=no paint='1;34'
fi
echo "exit status: $status" >>"$log"
{
    grep . <<<"$results" | sed 's/^/:test-result: /'
    echo ":global-test-result: $global"
    echo ":recheck: $recheck"
    echo ":copy-in-global-log: $copy"
} >"$trs"

word=$global
[ "$color" = no ] || word=$'\e['$paint'm'$global$'\e[m'
detail="$passed passed"
[ "$failed" = 0 ] || detail+=", $failed failed"
[ "$skipped" = 0 ] || detail+=", $skipped skipped"
[ "$SECONDS" -lt 10 ] || detail+=", $SECONDS s"
echo "$word: $name ($detail)"
grep '^FAIL' <<<"$results" | uniq -c | sed -E 's/^ *([0-9]+) FAIL/    failed (\1): /'
grep '^SKIP' <<<"$results" | sed 's/^SKIP/    skipped:/'
exit 0
