#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: test_system_calls.sh COMPILER (in the source tree's root)
# The table of allowed system calls: what system_calls.awk makes of comments, right ones and wrong ones, by every awk here.
set -eu
compiler=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
    echo "FAILED ($awk): $1"
    failed=1
}

# accepts NAME CONTENT PATTERN: the table has it
accepts() {
    printf '%s\n' "$2" >"$folder/case.c"
    if ! $awk -f guest/sandbox/system_calls.awk "$folder/case.c" >"$folder/out" 2>"$folder/err"; then
        fail "$1: refused: $(cat "$folder/err")"
    elif ! tr -d '\n' <"$folder/out" | grep -qF -- "$3"; then
        fail "$1: no $3 in $(cat "$folder/out")"
    fi
}

# refuses NAME CONTENT PATTERN: an error that says why, with the place, and no table
refuses() {
    printf '%s\n' "$2" >"$folder/case.c"
    if $awk -f guest/sandbox/system_calls.awk "$folder/case.c" >"$folder/out" 2>"$folder/err"; then
        fail "$1: accepted"
    elif ! grep -qF -- "$3" "$folder/err"; then
        fail "$1: said $(cat "$folder/err")"
    elif grep -q '^SYSTEM_CALL' "$folder/out"; then
        fail "$1: a table nevertheless"
    fi
}

for awk in gawk mawk original-awk "busybox awk"; do
    command -v "${awk%% *}" >/dev/null || continue
    accepts "a plain one" 'read(fd); /* SYSTEM-CALL worker read: results */' \
        'SYSTEM_CALL(worker, read, 0, "'"$folder"'/case.c:1",            "results", NULL)'
    accepts "a condition" '/* SYSTEM-CALL worker tgkill [0 == OWN_PROCESS]: raise */' 'NULL, {0, UINT32_MAX, OWN_PROCESS})'
    accepts "two conditions" '/* SYSTEM-CALL entry mmap [2 & PROT_EXEC == 0] [3 & M == M]: memory */' \
        'NULL, {2, PROT_EXEC, 0}, {3, M, M})'
    accepts "an errno" '/* SYSTEM-CALL entry clone3 fails ENOSYS: threads */' 'SYSTEM_CALL(entry, clone3, ENOSYS, '
    accepts "an excuse" '/* SYSTEM-CALL worker read: results UNSEEN: never */' '"results", "never")'
    accepts "several lines" "/* SYSTEM-CALL worker read: a long
 * reason
   UNSEEN: an
   excuse */" '"a long reason", "an excuse")'
    accepts "two in a line" '/* SYSTEM-CALL worker read: a */ /* SYSTEM-CALL worker write: b */' 'worker, write, 0'
    accepts "other arguments" '/* SYSTEM-CALL worker prctl [0 == A]: a */
/* SYSTEM-CALL worker prctl [0 == B]: b */' '{0, UINT32_MAX, B})'
    accepts "another profile" '/* SYSTEM-CALL worker read: a */
/* SYSTEM-CALL supervisor read: b */' 'SYSTEM_CALL(supervisor, read'
    refuses "no reason" '/* SYSTEM-CALL worker read: */' 'case.c:1: system call: no reason is given'
    refuses "no colon" '/* SYSTEM-CALL worker read */' 'no reason is given'
    refuses "only an excuse" '/* SYSTEM-CALL worker read: UNSEEN: never */' 'lacks its reason'
    refuses "an empty excuse" '/* SYSTEM-CALL worker read: reason UNSEEN: */' 'lacks its reason or its excuse'
    refuses "a duplicate" '/* SYSTEM-CALL worker read: a */

/* SYSTEM-CALL worker read: b */' 'case.c:3: system call: "worker read" stands already at'
    refuses "the same condition" '/* SYSTEM-CALL worker prctl [0 == A]: a */
/* SYSTEM-CALL worker prctl [0 == A]: b */' 'stands already'
    refuses "a condition on what is allowed" '/* SYSTEM-CALL worker prctl: a */
/* SYSTEM-CALL worker prctl [0 == A]: b */' 'stands already'
    refuses "all of what has a condition" '/* SYSTEM-CALL worker prctl [0 == A]: a */
/* SYSTEM-CALL worker prctl: b */' 'stands already'
    refuses "no such profile" '/* SYSTEM-CALL wroker read: a */' 'is not a profile'
    refuses "no name" '/* SYSTEM-CALL worker: a */' 'is not a profile and a call'
    refuses "two names" '/* SYSTEM-CALL worker read write: a */' 'is not a profile and a call'
    refuses "a seventh argument" '/* SYSTEM-CALL worker read [6 == 0]: a */' 'is not N == VALUE'
    refuses "no comparison" '/* SYSTEM-CALL worker read [0 > 1]: a */' 'is not N == VALUE'
    refuses "a quote" '/* SYSTEM-CALL worker read: a "quote" */' 'plain text'
    refuses "no end" '/* SYSTEM-CALL worker read: a' 'the comment has no end'
    refuses "nothing" 'int main;' 'no comment names a system call'
    # An unknown name is the compiler's to refuse, with the place of the comment.
    printf '%s\n' '/* SYSTEM-CALL worker raed: results */' >"$folder/case.c"
    { echo '#include <sys/syscall.h>'; $awk -f guest/sandbox/system_calls.awk "$folder/case.c"; } >"$folder/table.c"
    if "$compiler" -fsyntax-only "-DSYSTEM_CALL(...)=" "$folder/table.c" 2>"$folder/err"; then
        fail "an unknown name: accepted"
    elif ! grep -q 'case.c:1: no system call is called raed' "$folder/err"; then
        fail "an unknown name: said $(cat "$folder/err")"
    fi
    # The same table whatever awk makes it.
    $awk -f guest/sandbox/system_calls.awk $(find guest vsock-proto -name '*.[ch]' -o -name '*.calls' | LC_ALL=C sort) \
        >"$folder/table"
    [ ! -e "$folder/first" ] || cmp -s "$folder/first" "$folder/table" || fail "another table than by the awk before"
    mv "$folder/table" "$folder/first"
    echo "$awk: done"
done
[ -e "$folder/first" ] || fail "no awk is here"
exit "$failed"
