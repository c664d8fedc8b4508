# SPDX-License-Identifier: Apache-2.0
"""The table of hostile guests: what each does, where it runs, what the result must say, and what it may cost.

A case's name is the mode of agent/hostile.h; a letter after a blank tells two cases of one mode apart. `reason` is a
regular expression for the reason in the result, in a process and in a VM alike unless `vm_reason` says otherwise.
"""
import dataclasses

PASSED, REJECTED, NEEDS_REVIEW, COULD_NOT_EVALUATE = 0, 1, 2, 3

PROTOCOL = "the guest broke the protocol: "
ARRAY = PROTOCOL + "message .*: the payload is not one array within the limits"
SILENT = "kept silent beyond the deadline"
# Of a guest that drips: something may have come in the very last moment.
UNREAD = "the deadline passed while the collector had not read what the guest said"
ENDED = "the VM ended"
RULES = "the guest broke virtio-vsock's rules: "
# Nothing is wrong with what such a guest says in the end: the puppet predicts one class for everything.
HONEST = "verdict: needs-review"
ASCII = PROTOCOL + "message FAILURE, member 6: a text with something that is not printable ASCII"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    reason: str
    status: int = COULD_NOT_EVALUATE
    process: bool = True  # runs without a VM too
    microvm: bool = True  # runs in a VM too
    vm_reason: str = ""
    short: bool = False  # its VM is booted in the short form
    waits: bool = False  # ends at the job's deadline
    scan: bool = False  # the policy asks for the scan
    model_mib: int = 0  # a model of as many MiB of zeros in place of the example
    classes: bool = True  # the spec says how many classes there are
    memory_mib: float = 32  # of our processes
    disk_mib: float = 2  # output and state
    seconds: float = 30  # beyond boot and deadline

    @property
    def mode(self):
        return self.name.split(" ")[0]


def lie(name, reason, **more):
    return Case(name, reason, **more)


def vm(name, reason, **more):
    return Case(name, reason, process=False, **more)


def ring(name, rule, **more):
    return vm(f"rings:{name}", f"device-broken: the vsock device ended: .*{rule}", **more)


def survived(name, **more):
    return vm(f"rings:{name}", HONEST, status=NEEDS_REVIEW, **more)


FRAMES = [
    lie("honest", HONEST, status=NEEDS_REVIEW),
    lie("garbage", PROTOCOL + "frame header has the magic", short=True),
    lie("truncated", "the guest hung up: the connection ended while reading a frame's payload"),
    lie("stalled", SILENT, waits=True),
    lie("huge", PROTOCOL + "frame of type 0x82 claims 4294967295 bytes"),
    lie("beyond", PROTOCOL + "frame of type 0x82 claims 1048577 bytes, more than 1048576"),
    lie("reserved", PROTOCOL + "frame header's reserved bytes are not zero"),
    lie("empty", ARRAY),
    lie("cut", ARRAY),
    lie("surplus", ARRAY),
    lie("deep", ARRAY),
    lie("many", ARRAY),
    lie("wide", ARRAY),
    lie("long-string", ARRAY),
    lie("map", ARRAY),
    lie("foreign", ARRAY),
    lie("negative", PROTOCOL + "message CHECK_DONE, member 1: not a natural number"),
    lie("unknown-type", PROTOCOL + "a frame of the unknown type 0xee"),
    lie("chunk", PROTOCOL + "CHUNK is not for the host"),
    lie("drip", SILENT + "|" + UNREAD, waits=True),
    lie("version", PROTOCOL + "GUEST_HELLO names another version"),
    lie("old-version", PROTOCOL + "GUEST_HELLO names another version"),
    lie("nonce", PROTOCOL + "GUEST_HELLO answers another greeting"),
    lie("silent", SILENT, waits=True),
    lie("stays@hello", "the guest took no more than [0-9]+ of the 16777216 bytes that it was sent",
        waits=True, model_mib=16),
    lie("hangs-up", "the guest hung up: the connection ended while waiting for a frame"),
    lie("hears-nothing", "can't send CHECK to the guest: Broken pipe"),
]

ORDER = [
    lie("ready-twice", PROTOCOL + "READY came out of order"),
    lie("hello-twice", PROTOCOL + "GUEST_HELLO came out of order"),
    lie("predictions-twice", PROTOCOL + "PREDICTIONS for another window or point than the next"),
    lie("done-twice", PROTOCOL + "CHECK_DONE (came out of order|for another check|before all predictions)"),
    lie("early-goodbye", PROTOCOL + "GOODBYE came out of order"),
    lie("early-predictions", PROTOCOL + "PREDICTIONS came out of order"),
    lie("early-done", PROTOCOL + "CHECK_DONE came out of order"),
    lie("other-check", PROTOCOL + "PREDICTIONS for another check than the one under way"),
    lie("unplanned-check", PROTOCOL + "CHECK_DONE for another check than the one under way"),
    lie("other-window", PROTOCOL + "PREDICTIONS for another window or point than the next"),
    lie("unasked-row", PROTOCOL + "ROW of another table than the next, or beyond a table's end"),
    lie("unasked-cluster", PROTOCOL + "CLUSTER from a check that clusters nothing"),
    lie("unasked-read", PROTOCOL + "READ came out of order"),
    lie("half-skipped", PROTOCOL + "CHECK_DONE calls a check skipped that has sent results"),
    lie("skipped", SILENT, waits=True),
    lie("nothing-done", PROTOCOL + "CHECK_DONE before all predictions had come"),
    lie("progress", PROTOCOL + "PROGRESS too often"),
    lie("full-progress", PROTOCOL + "PROGRESS too often"),
    lie("most-progress", HONEST, status=NEEDS_REVIEW),
    lie("slow-progress", SILENT + "|" + UNREAD + "|the deadline passed while the guest was still at work", waits=True),
    lie("backward-progress", PROTOCOL + "PROGRESS that goes backwards or beyond its end"),
    lie("talks-on", HONEST, status=NEEDS_REVIEW),
    lie("stays", HONEST, status=NEEDS_REVIEW, short=True),
    lie("mute", SILENT, waits=True),
]

FIGURES = [
    lie("class-beyond", PROTOCOL + "PREDICTIONS with a class that the model does not have"),
    lie("class-negative", PROTOCOL + "PREDICTIONS with a class that the model does not have"),
    lie("fewer", PROTOCOL + "PREDICTIONS for another window or point than the next"),
    lie("more", PROTOCOL + "PREDICTIONS for another window or point than the next"),
    lie("torn", PROTOCOL + "message PREDICTIONS, member 6: a blob that is not four bytes a sample"),
    lie("none", PROTOCOL + "message PREDICTIONS, member 6: a blob that is not four bytes a sample"),
    lie("other-point", PROTOCOL + "PREDICTIONS for another window or point than the next"),
    lie("classes-other", "the guest says that the model has 3 classes, its spec says 10"),
    lie("classes-none", PROTOCOL + "message READY, member 4: no classes"),
    lie("classes-beyond", PROTOCOL + "message READY, member 1: a number beyond its limit"),
    lie("classes-absurd", "the guest says that the model has 1048576 classes, its spec says 10"),
    lie("classes-absurd open", "the guest's clusters take more than 64 MiB", classes=False, memory_mib=96),
    lie("hello-absurd", HONEST, status=NEEDS_REVIEW),
    lie("ready-absurd", HONEST, status=NEEDS_REVIEW),
    lie("costs-absurd", HONEST, status=NEEDS_REVIEW),
    lie("cluster-nan", PROTOCOL + "message CLUSTER, member 6: not a finite number"),
    lie("cluster-infinite", PROTOCOL + "message CLUSTER, member 6: not a finite number"),
    lie("cluster-silhouette", PROTOCOL + "message CLUSTER, member 9: a silhouette or separation that can't be"),
    lie("cluster-sizes", PROTOCOL + "CLUSTER with sizes that can't be"),
    lie("cluster-index", PROTOCOL + "CLUSTER with an index beyond the set"),
    lie("cluster-label", PROTOCOL + "CLUSTER for another class than the next"),
    lie("cluster-missing", PROTOCOL + "CHECK_DONE before all classes had come"),
    lie("points-uninvited", PROTOCOL + "POINTS for another class or set than the next"),
    lie("row-columns", PROTOCOL + "ROW with other columns than its table's"),
    lie("row-table", PROTOCOL + "ROW of another table than the next, or beyond a table's end"),
    lie("row-twice", PROTOCOL + "ROW of another table than the next, or beyond a table's end"),
    lie("row-impossible", "check fgsm: the guest counts 9007199254740992 of 1 inputs without a gradient, of 450"),
]

SAMPLES = [
    lie("sample-nan", "the adversarial sample 0 from the guest has element 0 at nan, outside the range"),
    lie("sample-infinite", "the adversarial sample 0 from the guest has element 0 at inf, outside the range"),
    lie("sample-range", "the adversarial sample 0 from the guest has element 0 at 1.00000002e[+]30, outside the range"),
    lie("sample-norm", "the adversarial sample 0 from the guest lies 1 from its clean input, beyond eps"),
    lie("sample-denormal", HONEST, status=NEEDS_REVIEW),  # nearer than rounding can tell
    lie("sample-unasked", PROTOCOL + "SAMPLE that was not asked for"),
    lie("sample-again", PROTOCOL + "SAMPLE pieces are not in ascending order"),
    lie("sample-beyond", PROTOCOL + "SAMPLE with more elements than an input has"),
    lie("sample-far", PROTOCOL + "SAMPLE with more elements than an input has"),
    lie("sample-backwards", PROTOCOL + "SAMPLE pieces are not in ascending order"),
    lie("sample-withheld", "the guest did not return adversarial sample 0 of fgsm, norm inf, point 0"),
    lie("sample-half", "the guest did not return adversarial sample 0 of fgsm, norm inf, point 0"),
    lie("sample-odd", PROTOCOL + "message SAMPLE, member 6: a blob that is not whole floats"),
]

TEXTS = [
    lie("text-escape-codes", ASCII),
    lie("text-newline", ASCII),
    lie("text-nul", ASCII),
    lie("text-bad-utf8", ASCII),
    lie("text-bidirectional", ASCII),
    lie("failure-markup", "clean.onnx: internal: </script>"),
    lie("failure-longest", "clean.onnx: internal: AAAA"),
    lie("failure-absurd", "clean.onnx: worker-crashed: </script>.*[(]signal 2147483647[)]"),
    lie("forbidden-absurd", "clean.onnx: forbidden-call: </script>.*[(]system call 2147483647 at 0xffffffffffffffff[)]"),
    lie("hello-markup", HONEST, status=NEEDS_REVIEW),
    lie("layer-markup", HONEST, status=NEEDS_REVIEW),
    lie("findings-markup", "verdict: rejected", status=REJECTED, scan=True, disk_mib=4),
    lie("findings-flood", PROTOCOL + "FINDING came too often", scan=True),
    lie("rule-markup", PROTOCOL + "message FINDING, member 1: a rule that is no name", scan=True),
    lie("scan-verdict", PROTOCOL + "SCAN_DONE has a verdict that does not follow from its findings", scan=True),
    lie("far-read", PROTOCOL + "READ asks for bytes where none are served, or for too many", scan=True),
]

MACHINE = [
    lie("exits@hello", "ended .guest: the agent exited with status 7", vm_reason=ENDED),
    lie("exits@predictions", "ended .guest: the agent exited with status 7", vm_reason=ENDED),
    lie("crashes@check-done", "ended .crashed: the agent was killed by signal 11", vm_reason=ENDED),
    lie("deaf@ready", SILENT, waits=True),
    vm("deaf@boot", "the guest accepted no vhost-user stream on port 1024 in time", waits=True),
    vm("power-off@boot", "the VM ended before its agent answered: guest: the guest powered off or reset"),
    vm("power-off@connected", ENDED + ".*powered off or reset"),
    vm("power-off@hello", ENDED + ".*powered off or reset"),
    vm("power-off@predictions", ENDED + ".*powered off or reset", short=True),
    vm("power-off@goodbye", ENDED + ".*powered off or reset"),
    vm("triple-fault@boot", "the VM ended before its agent answered: guest: the guest powered off or reset"),
    vm("triple-fault@predictions", ENDED + ".*powered off or reset"),
    vm("keyboard-reset@ready", HONEST, status=NEEDS_REVIEW),  # the board has no keyboard controller to ask
    vm("chipset-reset@ready", ENDED + ".*powered off or reset"),
    vm("halt@boot", "the guest accepted no vhost-user stream on port 1024 in time", waits=True),
    vm("halt@predictions", SILENT, waits=True, short=True),
    vm("panic@boot", "the VM ended before its agent answered: guest: the guest powered off or reset"),
    vm("panic@predictions", ENDED + ".*powered off or reset", short=True),
    vm("panic-stays@ready", SILENT, waits=True),
    vm("suspend@ready", SILENT + "|" + ENDED + "|" + HONEST, waits=True),
    vm("spin@connected", SILENT, waits=True),
    vm("spin@predictions", SILENT, waits=True),
    vm("memory-bomb@connected", ENDED + "|" + SILENT, waits=True, short=True),
    vm("memory-bomb@predictions", ENDED + "|" + SILENT, waits=True),
    vm("fork-bomb@connected", ENDED + "|" + SILENT, waits=True),
    vm("fork-bomb@predictions", ENDED + "|" + SILENT, waits=True),
    vm("file-bomb@connected", SILENT, waits=True),
    lie("console-flood@ready", HONEST, status=NEEDS_REVIEW, disk_mib=4),
    vm("console-endless@ready", SILENT, waits=True, disk_mib=4),
    vm("ports@ready", ENDED + "|" + SILENT, waits=True),
    vm("config-space@ready", ENDED + "|" + SILENT, waits=True),
    vm("bars@ready", ENDED + "|" + SILENT + "|device", waits=True),
]

RINGS = [
    ring("head-beyond", "tx virtqueue: a descriptor index beyond the table"),
    ring("head-largest", "tx virtqueue: a descriptor index beyond the table"),
    ring("next-beyond", "tx virtqueue: a descriptor index beyond the table"),
    ring("ahead", "tx virtqueue: an available index too far ahead"),
    ring("backwards", "rx virtqueue: an available index too far ahead"),
    ring("loop", "tx virtqueue: a chain with a loop"),
    ring("loop-to-itself", "tx virtqueue: a chain with a loop", short=True),
    ring("zero-length", "tx virtqueue: a descriptor of no bytes"),
    ring("writable", "tx virtqueue: a descriptor of the wrong direction"),
    ring("rx-readable", "rx virtqueue: a descriptor of the wrong direction"),
    ring("rx-small", "a receive buffer of 10 bytes"),
    ring("rx-outside", "rx virtqueue: a descriptor outside guest memory"),
    ring("outside", "tx virtqueue: a descriptor outside guest memory"),
    ring("wraps", "tx virtqueue: a descriptor outside guest memory"),
    ring("long-descriptor", "tx virtqueue: a descriptor outside guest memory"),
    ring("registers", "tx virtqueue: a descriptor outside guest memory"),
    ring("short-packet", "a packet of 43 bytes, shorter than a header"),
    ring("indirect-nested", "tx virtqueue: an indirect table inside another", short=True),
    ring("indirect-loop", "tx virtqueue: a chain with a loop"),
    ring("indirect-beyond", "tx virtqueue: an index beyond its indirect table"),
    ring("indirect-odd", "tx virtqueue: an indirect table of a wrong size"),
    ring("indirect-empty", "tx virtqueue: an indirect table of a wrong size"),
    ring("indirect-and-next", "tx virtqueue: a descriptor both indirect and chained"),
    ring("indirect-outside", "tx virtqueue: an indirect table outside guest memory"),
    ring("indirect-huge", "tx virtqueue: "),
    ring("change-after-kick", "(virtqueue|a packet that claims)"),
    ring("length-lies", "a packet that claims 4294967295 bytes of payload and has 0"),
    survived("honest"),
    survived("scribble"),
    survived("restarts"),
    vm("rings:reset-for-good", SILENT + "|device", waits=True),
]

PACKETS = [
    survived("all-strays", short=True, seconds=120),
    survived("requests", seconds=120),
    vm("rings:requests-unheard", HONEST + "|" + SILENT, status=NEEDS_REVIEW),
    survived("resets"),
    survived("data-without-connection"),
    survived("strangers"),
    survived("kinds"),
    survived("credit-requests"),
    survived("credit-shrinks"),
    survived("credit-overflows"),
    vm("rings:credit-never", "can't send|" + SILENT + "|the deadline passed", waits=True),
    vm("rings:beyond-credit", RULES + "the guest sent more than it had credit for|" + PROTOCOL),
    vm("rings:request-again", RULES + "the guest asked for the stream once more"),
    vm("rings:reset-midway", "the guest hung up"),
    vm("rings:data-after-shutdown", RULES + "the guest sent data after its own end of the stream"),
    vm("rings:answers-with-data", "the guest answered the stream to port 1024 against virtio-vsock's rules"),
    vm("rings:answers-with-reset", "the guest accepted no vhost-user stream on port 1024 in time", waits=True),
    vm("rings:never-answers", "the guest accepted no vhost-user stream on port 1024 in time", waits=True),
    survived("answers-twice"),
]

GROUPS = {"frames": FRAMES, "order": ORDER, "figures": FIGURES, "samples": SAMPLES, "texts": TEXTS,
          "machine": MACHINE, "rings": RINGS, "packets": PACKETS}
ALL = [case for group in GROUPS.values() for case in group]
