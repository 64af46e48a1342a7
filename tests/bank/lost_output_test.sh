#!/bin/bash
# usage: lost_output_test.sh BANK: what it does when nobody gets its report.
set -uo pipefail
bank=$1
failed=0
# lost WHERE ARG...: standard output to WHERE (- is closed) ends with 1 and says why
lost() {
    local where=$1 said rc
    shift
    if [ "$where" = - ]; then said=$("$bank" "$@" 2>&1 >&-); else said=$("$bank" "$@" 2>&1 > "$where"); fi
    rc=$?
    if [ $rc -ne 1 ] || ! grep -qF "bank: standard output is incomplete" <<< "$said"; then
        echo "FAIL exit status $rc, '$said': $* > $where"
        failed=1
    fi
}
lost /dev/full --help
lost - --help
lost /dev/full --simulate --accept-emulated --rows 2000
lost - --simulate --accept-emulated --rows 2000
[ $failed -eq 0 ] && echo "all passed"
exit $failed
