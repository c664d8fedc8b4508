# SPDX-License-Identifier: Apache-2.0
# Makes the tables of allowed system calls from the comments beside the code that makes the calls.
#
# usage: awk -f system_calls.awk FILE...     (prints C; nothing but an error and status 1 where a comment is wrong)
#
#   SYSTEM-CALL PROFILE NAME [CONDITION]... [fails ERRNO]: REASON [UNSEEN: EXCUSE]
#
# PROFILE    worker (after its seal), entry (a worker on its way there), supervisor
# CONDITION  [N == VALUE] (of a 32-bit argument) or [N & MASK == VALUE]: both names of the C headers that filter.c has
# ERRNO      the call is answered with it, and never made
# EXCUSE     why no test makes the call: without one, tests/calls insists on having seen it
#
# A comment may go on over several lines. The C that comes out is one SYSTEM_CALL(…) a comment, ordered by profile and
# name; a name that the kernel's headers don't have is an error when that is compiled.

function fail(text)
{
    printf "%s: system call: %s\n", place, text > "/dev/stderr"
    failed = 1
    exit 1
}

function trim(text)
{
    gsub(/[ \t]+/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    return text
}

# A C initialiser of one condition.
function condition_of(text,    parts, left, mask)
{
    if (split(text, parts, / == /) != 2 || parts[2] !~ /^[A-Za-z0-9_]+$/)
        fail("condition [" text "] is not N == VALUE or N & MASK == VALUE")
    mask = "UINT32_MAX"
    left = parts[1]
    if (index(left, " & ") > 0) {
        mask = substr(left, index(left, " & ") + 3)
        left = substr(left, 1, index(left, " & ") - 1)
    }
    if (left !~ /^[0-5]$/ || mask !~ /^[A-Za-z0-9_]+$/)
        fail("condition [" text "] is not N == VALUE or N & MASK == VALUE")
    return "{" left ", " mask ", " parts[2] "}"
}

# One whole comment without its delimiters and its marker.
function take(text,    head, reason, excuse, at, words, count, i, conditions, action, condition, key, any)
{
    text = trim(text)
    at = match(text, /:( |$)/)
    if (at == 0 || trim(substr(text, at + 1)) == "")
        fail("no reason is given for \"" text "\"")
    head = substr(text, 1, at - 1)
    reason = trim(substr(text, at + 1))
    excuse = "NULL"
    if ((i = index(reason, "UNSEEN:")) > 0) {
        excuse = trim(substr(reason, i + 7))
        reason = trim(substr(reason, 1, i - 1))
        if (excuse == "" || reason == "")
            fail("\"" head "\" lacks its reason or its excuse")
        excuse = "\"" excuse "\""
    }
    if ((reason excuse) ~ /\\/ || reason ~ /"/)
        fail("\"" head "\": a reason is plain text")
    while (match(head, /\[[^]]*\]/)) {
        condition = condition_of(substr(head, RSTART + 1, RLENGTH - 2))
        conditions = conditions ", " condition
        head = trim(substr(head, 1, RSTART - 1) " " substr(head, RSTART + RLENGTH))
    }
    action = "0"
    if (match(head, / fails [A-Z0-9]+$/)) {
        action = substr(head, RSTART + 7)
        head = trim(substr(head, 1, RSTART - 1))
    }
    count = split(head, words, " ")
    if (count != 2 || words[1] !~ /^(worker|entry|supervisor)$/ || words[2] !~ /^[a-z0-9_]+$/)
        fail("\"" head "\" is not a profile and a call's name")
    key = words[1] " " words[2]
    any = conditions == ""
    if ((key conditions) in seen || (key in whole) || (any && (key in named)))
        fail("\"" key "\" stands already at " ((key in whole) ? whole[key] : named[key]))
    seen[key conditions] = 1
    if (any)
        whole[key] = place
    named[key] = place
    names[words[2]] = place
    total++
    keys[total] = key conditions
    lines[total] = "SYSTEM_CALL(" words[1] ", " words[2] ", " action ", \"" place "\",\n            \"" reason "\", " excuse conditions ")"
}

{
    rest = $0
    while (open || (at = index(rest, "SYSTEM-CALL ")) > 0) {
        if (!open) {
            rest = substr(rest, at + 12)
            place = FILENAME ":" FNR
            text = ""
            open = 1
        }
        end = index(rest, "*/")
        if (end == 0) {
            sub(/^[ \t]*\*[ \t]?/, "", rest)
            text = text " " rest
            break
        }
        text = text " " substr(rest, 1, end - 1)
        rest = substr(rest, end + 2)
        sub(/^[ \t]*\*[ \t]?/, "", text)
        open = 0
        take(text)
    }
}

END {
    if (!failed && open)
        fail("the comment has no end")
    if (!failed && total == 0) {
        print "system_calls.awk: no comment names a system call" > "/dev/stderr"
        failed = 1
    }
    if (failed)
        exit 1
    for (i = 2; i <= total; i++)
        for (j = i; j > 1 && keys[j] < keys[j - 1]; j--) {
            swap = keys[j]; keys[j] = keys[j - 1]; keys[j - 1] = swap
            swap = lines[j]; lines[j] = lines[j - 1]; lines[j - 1] = swap
        }
    print "/* Made by guest/sandbox/system_calls.awk from the SYSTEM-CALL comments of the sources. */"
    for (i = 1; i <= total; i++) {
        name = keys[i]
        sub(/^[a-z]+ /, "", name)
        sub(/,.*/, "", name)
        if (!(name in checked))
            print "#ifndef __NR_" name "\n#error \"" names[name] ": no system call is called " name "\"\n#endif"
        checked[name] = 1
    }
    for (i = 1; i <= total; i++)
        print lines[i]
}
