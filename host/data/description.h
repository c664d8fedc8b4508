/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of an evaluation's data: the input contract, and each set's shape and extent.
 *
 * Also the record in which the confined reader hands it to the controller. Its decoder believes
 * nothing: the reader has parsed hostile bytes.
 */
#ifndef LAZARET_HOST_DATA_DESCRIPTION_H
#define LAZARET_HOST_DATA_DESCRIPTION_H

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "digest/sha256.h"

#include <stdbool.h>
#include <stdint.h>

#define DATA_NAME_MAX     128u /* of the model's input and output, with the final NUL */
#define DATA_RANK_MAX     7u   /* of one sample, without the batch */
#define DATA_CHANNELS_MAX 4096u
#define DATA_SAMPLE_MAX   (UINT64_C(1) << 26) /* elements of one sample */
#define DATA_COUNT_MAX    (UINT64_C(1) << 26) /* samples of one set: its labels are held, 4 bytes each */
#define DATA_BYTES_MAX    (UINT64_C(1) << 40) /* of x as f32: the largest set that is streamed at all */
#define DATA_CLASSES_MAX  (UINT32_C(1) << 20) /* labels are below it */

#define DATA_TRIGGERS_MAX  64u                  /* of the user's own */
#define DATA_HELD_MAX      (UINT64_C(1) << 26)  /* floats of triggers and features, which are held, each */
#define DATA_ARRAY_MAX     (UINT64_C(64) << 20) /* bytes of a .npy that the spec names */
#define DATA_FILE_NAME_MAX 128u                 /* of such a file, with the final NUL */

enum data_set_id {
    DATA_SET_TEST,
    DATA_SET_TRAIN,
    DATA_SET_TRIGGERS, /* 2K samples: each of K patterns, then its mask in [0, 1] */
    DATA_SET_FEATURES, /* DATA_FEATURE_COUNT samples, in the order of enum data_feature; from the spec */
    DATA_SET_COUNT
};

/* What an attack may do to each element (docs/spec.md). The numbers are those of enum plan_feature. */
enum data_feature {
    DATA_FEATURE_LOW,
    DATA_FEATURE_HIGH,
    DATA_FEATURE_EPS_SCALE,
    DATA_FEATURE_MASK,
    DATA_FEATURE_KIND, /* 0 real, 1 integer, g of 2 and more: a column of the one-hot group g */
    DATA_FEATURE_COUNT
};

/* Arrays that a spec may name, each a .npy beside it. */
enum data_array { DATA_ARRAY_MASK, DATA_ARRAY_EPS_SCALE, DATA_ARRAY_COUNT };

enum data_layout { DATA_LAYOUT_ANY, DATA_LAYOUT_NCHW, DATA_LAYOUT_NHWC, DATA_LAYOUT_ND, DATA_LAYOUT_COUNT };
enum data_outputs { DATA_OUTPUTS_LOGITS, DATA_OUTPUTS_PROBABILITIES, DATA_OUTPUTS_COUNT };

/* The input contract: docs/spec.md. */
struct data_contract {
    char input[DATA_NAME_MAX]; /* "": the model's only one */
    char output[DATA_NAME_MAX];
    enum data_layout layout; /* of what data_reader_window delivers and the model takes */
    enum data_outputs outputs;
    bool has_range;               /* without it attacks are refused */
    double range_low, range_high; /* each is exactly an f32; both in the input's own units */
    uint32_t classes;             /* 0: not said */
    int64_t label_offset;         /* class = y - label_offset; already applied to labels */
    /*
     * x' = x·scale + offset, one pair an index of the sample's first axis, worked out in f64 and
     * rounded once. 0 channels: the input is taken as it is.
     */
    uint32_t channels;
    float scale[DATA_CHANNELS_MAX], offset[DATA_CHANNELS_MAX];
};

struct data_set_description {
    bool present;
    uint64_t count; /* samples */
    uint32_t rank;  /* of one sample, in the contract's layout */
    uint64_t dims[DATA_RANK_MAX];
    uint64_t elements; /* of one sample */
    float min, max;    /* over all of x */
    bool labelled;
    uint32_t label_max;          /* the largest label; 0 where not labelled */
    uint32_t label_distinct;     /* how many different labels there are */
    uint8_t sha256[SHA256_SIZE]; /* of the file; zeros for the features, which are part of the spec */
    uint64_t file_size;
    bool has_labels_file; /* the labels are in a file of their own: IDX */
    uint8_t labels_sha256[SHA256_SIZE];
};

struct data_array_description {
    char name[DATA_FILE_NAME_MAX]; /* the file's, beside the spec; "": there is none */
    uint8_t sha256[SHA256_SIZE];
};

struct data_description {
    struct data_contract contract;
    struct data_set_description sets[DATA_SET_COUNT];
    bool has_spec;
    uint8_t spec_sha256[SHA256_SIZE]; /* of the file; zeros where there is none */
    struct data_array_description arrays[DATA_ARRAY_COUNT];
    /*
     * The digest of all files: SHA-256 over "lazaret data 1\n", then for each of "test", "train" and
     * "spec", in this order: u32le length of the role, the role, u8 1 where there is such a file or 0,
     * and where there is one its 32 bytes of SHA-256. The same follows for those of "test-labels",
     * "train-labels", "triggers", "mask" and "epsScale", in this order, that there are, and for no other.
     */
    uint8_t data_sha256[SHA256_SIZE];
};

/* Works out data_sha256 from the other digests. */
void data_description_digest(struct data_description *description);

/* Appends the record of all but the digests and file sizes, which the controller works out itself. */
MUST_USE int data_description_encode(const struct data_description *description, struct buffer *buffer);

#define DATA_DESCRIPTION_RECORD_MAX ((size_t)64 * 1024)

/* Reads the record; whatever breaks a limit above is -EBADMSG. Digests and file sizes are zero. */
MUST_USE int data_description_decode(struct cursor *cursor, struct data_description *ret_description);

#endif
