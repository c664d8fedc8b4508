/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a model comes from: its own signature (OpenSSF model-signing 1.0) and lists of checksums, verified before
 * anything boots.
 *
 * Theory of operation. The signature file is hostile: JSON and X.509 are parsed in a confined process (process.c) that
 * holds no key and gets bytes only. It verifies the signature and keeps the manifest; asks for the names and sizes of
 * the files at hand; says which of them it wants; gets their digests, worked out here; and answers yes or no. Here
 * nothing is parsed but its short answers of fixed form. The model's own bytes are hashed once more in the manifest's
 * way, from the descriptor that is streamed to the guest, and that reading must have the SHA-256 of the job's.
 */
#ifndef LAZARET_HOST_PROVENANCE_H
#define LAZARET_HOST_PROVENANCE_H

#include "base/buffer.h"
#include "host/provenance/signature.h"
#include "host/provenance/tree.h"

/* A file that says something of the model: its signature, or a list of checksums. */
struct provenance_file {
    struct buffer bytes;
    uint8_t sha256[SHA256_SIZE];
    struct tree_id id;
};

struct provenance_key { /* borrowed */
    const char *name;   /* for messages: a path, or a name in the policy */
    const char *text;   /* PEM, or an OpenSSH public key's line */
    size_t size;
};

/* Whom to believe; borrowed. */
struct provenance_trust {
    const struct provenance_key *keys;
    size_t key_count; /* at most SIGNATURE_KEYS_MAX */
    struct crypto_anchors anchors;
    int64_t now; /* seconds since 1970 */
};

/* What is verified; borrowed. */
struct provenance_model {
    const char *root; /* the folder that a signature of more than one file covers */
    const char *name; /* for messages */
    int fd;           /* of the model's file; -1: the folder as a whole is the model */
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];    /* of the model's file, worked out before */
    const struct tree_id *excluded; /* what lies in the folder and is not the model's, besides the signature */
    size_t excluded_count;
};

/* A signature that holds. */
struct provenance_verdict {
    enum signature_method method;
    bool legacy, single;
    enum crypto_content_hash hash;
    uint64_t shard_size;
    uint32_t key_index, identity_index; /* of the trust's; which of the two is meant says the method */
    uint32_t files;                     /* that are covered and were compared */
    uint8_t key_sha256[SHA256_SIZE];    /* of the signer's DER SubjectPublicKeyInfo */
    uint8_t certificate_sha256[SHA256_SIZE], authority_sha256[SHA256_SIZE]; /* by certificate */
    uint8_t model_sha256[SHA256_SIZE];                                      /* the manifest's digest of all */
};

/* Reads a file of at most size_max bytes. Errors as file_read_bounded(). */
MUST_USE int provenance_file_load(const char *path, size_t size_max, struct provenance_file *ret_file,
                                  struct error *err);
void provenance_file_free(struct provenance_file *file);
#define CLEANUP_PROVENANCE_FILE CLEANUP(provenance_file_free)

/*
 * Verifies a signature file against the model. Forks; call before the process has threads. ERROR_MISMATCH, -EBADMSG: it
 * does not hold, or is none, or its reader died of it; the text says why and is printable. ERROR_BAD_INPUT: a trusted
 * key or authority is none. ERROR_NO_INPUT: a file can't be read.
 */
MUST_USE int provenance_verify(const struct provenance_file *signature, const struct provenance_trust *trust,
                               const struct provenance_model *model, struct provenance_verdict *ret_verdict,
                               struct error *err);

/* Compares a file's SHA-256 with a list of checksums (checksums.h), read in a process as above. ERROR_MISMATCH
 * likewise. */
MUST_USE int provenance_check_sums(const struct provenance_file *list, const char *name,
                                   const uint8_t sha256[SHA256_SIZE], struct error *err);

#endif
