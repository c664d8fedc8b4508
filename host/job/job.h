/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One evaluation, from admission to the signed result.
 *
 * admit → journal → intent into the ledger → boot → handshake → plan, model → checks → destroy and prove it → score and
 * decide → sign → append → commit. What is wrong with the input or with this machine is an error, and nothing is left
 * behind. What goes wrong once the job is admitted (a model that can't be run, a guest that lies or dies, a limit) is a
 * result: could-not-evaluate, signed.
 */
#ifndef LAZARET_HOST_JOB_JOB_H
#define LAZARET_HOST_JOB_JOB_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/attest/outcome.h"
#include "host/crypto/passphrase.h"
#include "host/crypto/timestamp.h"
#include "host/data/reader_loan.h"
#include "host/ledger/note.h"
#include "host/provenance/inputs.h"
#include "host/vm/vm.h"

#include <jansson.h>

enum job_arithmetic { JOB_ARITHMETIC_AUTO, JOB_ARITHMETIC_FMA, JOB_ARITHMETIC_MUL_ADD };

/* What computes; the bits are the same. */
enum job_device { JOB_DEVICE_CPU, JOB_DEVICE_OPENCL };

#define JOB_BATCH_DEFAULT 32u

/*
 * For a replay of a signed result: the facts are wanted, not a verdict. It evaluates once, whatever the policy's
 * `repeat` and `recheck` (both are about the first time), and where this machine can, whatever isolation the policy
 * allows.
 */
struct job_replay {
    const char *image; /* the image's name; NULL: the default one */
    /* Sees plan.json's content before anything boots; its error ends the job. */
    int (*review)(void *context, const json_t *plan, struct error *err);
    void *context;
};

struct job_options {
    const char *model_path, *test_path;
    const char *train_path;              /* NULL: none */
    const char *spec_path;               /* NULL: none */
    const char *reference_path;          /* NULL: none; a model to compare weights with */
    const char *triggers_path;           /* NULL: none; trigger patterns with their masks */
    const char *policy_path;             /* a file, or the name of a shipped policy */
    const char *key_path;                /* NULL: the result is not signed and not written (a replay) */
    struct crypto_passphrase passphrase; /* of the key; read or asked for by the signer's process */
    const char *tsa_url;                 /* NULL: no timestamp */
    const char *tsa_ca_path;             /* NULL: the timestamp's certificate is not judged */
    const char *output_path;             /* NULL: nothing is written */
    const char *ledger_path;             /* NULL: the job is not logged */
    const char *ledger_key_path;         /* NULL: beside the ledger; several with commas between */
    enum vm_isolation isolation;
    enum vm_acceleration acceleration;
    enum vm_transport transport;
    enum job_arithmetic arithmetic; /* AUTO: the policy's */
    unsigned vcpus;
    uint64_t memory_mib;                  /* 0: the policy's */
    const char *gpu;                      /* the PCI address of a device to pass through; NULL: none */
    const char *order;                    /* the nonce that the statement is to hold; NULL: none */
    uint32_t samples;                     /* adversarial inputs of each point that are written to samples.npz */
    uint32_t batch;                       /* never changes a result */
    struct provenance_options provenance; /* where the model comes from */
    const struct data_loan *loan;         /* a data reader of another process's; NULL: none */
    const char *kernels;                  /* NULL: the widest the processor has; never changes a result */
    enum job_device device;
    bool quiet;
    const struct job_replay *replay; /* NULL: an evaluation */
};

#define JOB_REASONS_MAX 16u

/* The timestamp that was asked for. A result is hours of work, so it is written without one rather than not at all. */
struct job_stamp {
    bool stamped;
    struct crypto_timestamp timestamp; /* where stamped */
    char trouble[ERROR_TEXT_MAX];      /* else why not; empty where none was asked for */
};

struct job_result {
    enum outcome outcome;
    char reasons[JOB_REASONS_MAX][512]; /* printable */
    unsigned reason_count;
    struct buffer evaluation;          /* evaluation.json's bytes; empty where there is none */
    uint8_t agent_sha256[SHA256_SIZE]; /* of the agent that ran */
    unsigned evaluations;              /* that were made, all the same; 0: none, or they were not */
    bool rechecked;                    /* after them, and a fresh guest agreed on so many inputs: */
    uint32_t adversarial, clean;
    bool has_image; /* it ran in a microVM, with these */
    uint8_t kernel_sha256[SHA256_SIZE], initramfs_sha256[SHA256_SIZE];
    bool has_disk; /* that image, and this is its */
    uint8_t disk_sha256[SHA256_SIZE];
    enum vm_acceleration acceleration; /* in effect; AUTO without a VM */
    bool logged;                       /* in a ledger, and the following */
    char ledger_origin[NOTE_NAME_MAX + 1];
    uint64_t ledger_intent, ledger_result; /* indices of its leaves */
    struct job_stamp stamp;
};

MUST_USE int job_run(const struct job_options *options, struct job_result *ret_result, struct error *err);

void job_result_free(struct job_result *result);
#define CLEANUP_JOB_RESULT CLEANUP(job_result_free)

#endif
