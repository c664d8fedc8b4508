# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the lab's cases share; a case opens with `. /job/lib.sh`.
INPUTS="$DIGITS/clean.onnx --test /job/few.npz --spec $DIGITS/spec.yaml --policy /job/policy.yaml --key /job/state/key.pem"
ON_KVM="--accel kvm --transport vhost-vsock --memory 256 --quiet"

passed() { echo "LAB passed: $*"; }
failed() { echo "LAB FAILED: $*"; }
# check TEXT COMMAND...: runs it; what it says is shown where it fails.
check() {
    text=$1
    shift
    if "$@" >/tmp/check 2>&1; then
        passed "$text"
    else
        failed "$text ($* gave $?)"
        cat /tmp/check
    fi
}
# equal TEXT WANTED SEEN
equal() {
    if [ "$2" = "$3" ]; then passed "$1"; else failed "$1: wanted $2, seen $3"; fi
}
# evaluate OUTPUT [OPTION...]: the example on KVM and vhost-vsock; the exit status is the program's.
evaluate() {
    output=$1
    shift
    # shellcheck disable=SC2086  # lists of options
    "$LAZARET" evaluate $INPUTS -o "$output" $ON_KVM "$@"
}
# has FILE TEXT
has() { grep -qF -- "$2" "$1"; }
