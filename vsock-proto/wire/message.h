/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of both directions, decoded. PROTOCOL.md, section 5, has the table.
 *
 * A decoded message borrows from the frame's payload it was decoded from: texts and blobs point
 * into it. Texts are UTF-8 of bounded length and, like every number from the guest, not to be
 * believed.
 */
#ifndef LAZARET_WIRE_MESSAGE_H
#define LAZARET_WIRE_MESSAGE_H

#include "base/buffer.h"
#include "scan/terms.h"
#include "wire/frame.h"
#include "wire/plan.h"
#include "wire/points.h"
#include "wire/rows.h"

#define MESSAGE_TEXT_MAX    1024u /* bytes of a message for people */
#define MESSAGE_BLOB_MAX    (FRAME_PAYLOAD_MAX - 1024u)
#define MESSAGE_CLASSES_MAX 1048576u
#define MESSAGE_INDICES_MAX 64u
#define MESSAGE_VERSION     4u

/* A scan of files that the host serves range by range. */
#define MESSAGE_READS_MAX    8u                         /* READs that wait for their answer */
#define MESSAGE_SERVED_MIN   (UINT64_C(4) << 30)        /* bytes that READs may ask for of one file, all together ... */
#define MESSAGE_SERVED_RATIO 32u                        /* ... or the file's size times this, where that is more */
#define MESSAGE_FILES_MAX    1048576u                   /* of one session */
#define MESSAGE_NATURAL_MAX  ((UINT64_C(1) << 53) - 1u) /* of a scan's offsets and counts: exact in any JSON */

/* Frame types. Those below 0x80 go to the guest, the others to the host. */
enum message_type {
    MESSAGE_HELLO = 0x01,
    MESSAGE_PLAN = 0x02,
    MESSAGE_TRANSFER = 0x03,
    MESSAGE_CHUNK = 0x04, /* raw bytes, no msgpack */
    MESSAGE_TRANSFER_END = 0x05,
    MESSAGE_CHECK = 0x06,
    MESSAGE_BYE = 0x07,
    MESSAGE_IMPORT = 0x08,
    MESSAGE_SCAN = 0x09,
    MESSAGE_UNREADABLE = 0x0a,

    MESSAGE_GUEST_HELLO = 0x81,
    MESSAGE_READY = 0x82,
    MESSAGE_PREDICTIONS = 0x83,
    MESSAGE_SAMPLE = 0x84,
    MESSAGE_CLUSTER = 0x85,
    MESSAGE_PROGRESS = 0x86,
    MESSAGE_CHECK_DONE = 0x87,
    MESSAGE_FAILURE = 0x88,
    MESSAGE_GOODBYE = 0x89,
    MESSAGE_ROW = 0x8a,
    MESSAGE_READ = 0x8b,
    MESSAGE_FINDING = 0x8c,
    MESSAGE_COVERAGE = 0x8d,
    MESSAGE_SCAN_DONE = 0x8e,
    MESSAGE_POINTS = 0x8f,
};

struct message_text { /* not NUL-terminated */
    const char *data;
    uint32_t size;
};

struct message_blob {
    const uint8_t *data;
    uint32_t size;
};

struct message_hello {
    uint32_t version;
    uint8_t nonce[SHA256_SIZE]; /* GUEST_HELLO returns it */
};

/* What the guest says of itself. */
struct message_guest_hello {
    uint32_t version;
    uint8_t nonce[SHA256_SIZE];
    struct message_text agent; /* name and version */
    struct message_text cpu;   /* model name */
    uint32_t processors;
    uint64_t memory_bytes;
};

enum message_transfer_kind {
    MESSAGE_TRANSFER_MODEL,
    MESSAGE_TRANSFER_WINDOW,
    MESSAGE_TRANSFER_REFERENCE, /* after the model, where the plan has one */
    MESSAGE_TRANSFER_KIND_COUNT
};

/*
 * Announces `size` bytes in CHUNK frames. A window holds `count` samples of f32 from `first` on,
 * then, where the set is labelled, as many u32 labels; all little-endian.
 */
struct message_transfer {
    enum message_transfer_kind kind;
    uint64_t size;
    enum plan_set_id set;
    uint64_t first;
    uint32_t count;
};

struct message_transfer_end {
    uint8_t sha256[SHA256_SIZE];
};

struct message_check {
    uint32_t index; /* in plan.checks */
};

/* The model arrived, its digest is right, and it was imported. */
struct message_ready {
    uint32_t classes;
    uint64_t memory_bytes; /* of the engine's plan for it */
    struct message_text isa;
    struct message_text layer; /* the penultimate layer's name */
};

/*
 * Predicted classes of one window's samples: i32, little-endian, each within the classes. `curve`
 * and `point` index the check's curves; the clean-accuracy check sends curve 0, point 0. Points of
 * a window come in ascending order of (curve, point), windows in order.
 */
struct message_predictions {
    uint32_t check, curve, point;
    uint64_t first;
    uint32_t count;
    struct message_blob classes;
};

/* A part of one adversarial input: f32, little-endian, elements [offset, offset + size/4). */
struct message_sample {
    uint32_t check, curve, point, sample;
    uint64_t offset;
    struct message_blob elements;
};

enum message_cluster_outcome { MESSAGE_CLUSTER_DONE, MESSAGE_CLUSTER_TOO_SMALL, MESSAGE_CLUSTER_OUTCOME_COUNT };

/* One class of activation-clustering, in ascending order of label, every class of the model. */
struct message_cluster {
    uint32_t check;
    uint32_t label;
    enum message_cluster_outcome outcome;
    uint64_t sizes[2];      /* training samples; the larger cluster first */
    uint64_t test_sizes[2]; /* test samples predicted as this class, by the cluster they fall in */
    double silhouette;      /* mean over the class's training samples, in [-1, 1] */
    double separation;      /* distance of the two centres in the reduced space */
    uint32_t index_count[2];
    uint64_t indices[2][MESSAGE_INDICES_MAX]; /* the first training samples of each cluster, by
                                                 position in the set */
};

/* Where samples of the class of the CLUSTER before lie, for a drawing: wire/points.h. Those of PLAN_SET_TRAIN, then
 * those of PLAN_SET_TEST. */
struct message_points {
    uint32_t check, label;
    enum plan_set_id set;
    struct message_blob points;
};

/* One line of a table of a check's figures: rows.h. */
struct message_row {
    uint32_t check, table;
    struct message_text name; /* a tensor's; empty in tables without names */
    uint32_t natural_count, real_count;
    uint64_t naturals[ROW_NATURALS_MAX];
    double reals[ROW_REALS_MAX];
};

struct message_progress {
    uint32_t check;
    uint64_t done, total; /* inputs */
};

struct message_check_done {
    uint32_t check;
    uint64_t cpu_ns, images;                   /* of the worker */
    uint64_t gradient_cpu_ns, gradient_images; /* forward and backward passes alone */
    uint64_t peak_memory_bytes;
    struct message_text layer;   /* the layer looked at, where a check looks at one */
    struct message_text skipped; /* why the check could not be made of this model; empty: it was made */
};

/* One file to scan. Its name is for people only. */
struct message_scan {
    uint32_t index; /* of the session's files, from 0 on */
    uint64_t size;
    struct message_text name;
};

/*
 * A range of the file being scanned, within its size: answered by one CHUNK of exactly these bytes, or by UNREADABLE.
 * Answers come in the order of the questions.
 */
struct message_read {
    uint64_t offset;
    uint32_t size; /* 1 to FRAME_CHUNK_MAX */
};

struct message_finding_line {
    uint64_t offset;
    struct message_text text;
};

struct message_finding {
    struct message_text rule; /* lower-case letters, digits and dashes */
    enum scan_severity severity;
    uint64_t offset; /* in the member */
    struct message_text member, detail, effect;
    uint32_t line_count;
    struct message_finding_line lines[SCAN_CONTEXT_MAX];
};

/* All bytes that were skipped for one reason; offset, member and detail are the first place's. */
struct message_coverage {
    enum scan_skip reason;
    uint64_t bytes, places, offset;
    struct message_text member, detail;
};

/* The end of one file's scan; `counts` are of all findings, those that were too many to send too. */
struct message_scan_done {
    enum scan_verdict verdict;
    struct message_text format;
    uint64_t looked;
    uint64_t counts[SCAN_SEVERITY_COUNT];
};

/* Why the guest gives up. Ends the session. */
enum message_failure_code {
    MESSAGE_FAILURE_BAD_MODEL,         /* malformed */
    MESSAGE_FAILURE_UNSUPPORTED_MODEL, /* well formed, but not something the engine runs */
    MESSAGE_FAILURE_SHAPE,             /* model and data don't fit */
    MESSAGE_FAILURE_MEMORY,            /* more than the guest has */
    MESSAGE_FAILURE_WORKER_CRASHED,    /* a signal: see `signal` */
    MESSAGE_FAILURE_FORBIDDEN_CALL,    /* seccomp: see `system_call` */
    MESSAGE_FAILURE_PROTOCOL,          /* the host's frames made no sense, or a digest differed */
    MESSAGE_FAILURE_INTERNAL,
    MESSAGE_FAILURE_CODE_COUNT
};

struct message_failure {
    enum message_failure_code code;
    uint32_t check; /* UINT32_MAX: none */
    int32_t signal, system_call;
    uint64_t address;
    struct message_text text;
};

struct message {
    enum message_type type;
    union {
        struct message_hello hello;
        struct message_transfer transfer;
        struct message_transfer_end transfer_end;
        struct message_check check;
        struct message_guest_hello guest_hello;
        struct message_ready ready;
        struct message_predictions predictions;
        struct message_sample sample;
        struct message_cluster cluster;
        struct message_row row;
        struct message_points points;
        struct message_progress progress;
        struct message_check_done check_done;
        struct message_failure failure;
        struct message_blob chunk;
        struct message_scan scan;
        struct message_read read;
        struct message_finding finding;
        struct message_coverage coverage;
        struct message_scan_done scan_done;
    };
};

const char *message_type_name(enum message_type type);
const char *message_failure_name(enum message_failure_code code); /* "bad-model", … */

/*
 * Decodes one frame's payload; everything but PLAN (plan_decode) and CHUNK's content. -EBADMSG for
 * anything that is not exactly the message: another type, missing, doubled, unknown or surplus
 * members, a value beyond its limit, bytes left over. err says which.
 */
MUST_USE int message_decode(const struct frame_header *header, const uint8_t *payload, struct message *ret_message,
                            struct error *err);

/* Appends a whole frame, header and payload. -EINVAL for a message that the decoder would refuse.
 */
MUST_USE int message_encode(const struct message *message, struct buffer *buffer);

/* The plan, which is too large for the union. */
MUST_USE int plan_decode(const struct frame_header *header, const uint8_t *payload, struct plan *ret_plan,
                         struct error *err);
MUST_USE int plan_encode(const struct plan *plan, struct buffer *buffer);

#endif
