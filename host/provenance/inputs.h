/* SPDX-License-Identifier: Apache-2.0 */
/* What a user gives to say where a model comes from: files read, and whom to believe put together. */
#ifndef LAZARET_HOST_PROVENANCE_INPUTS_H
#define LAZARET_HOST_PROVENANCE_INPUTS_H

#include "host/provenance/provenance.h"

/* As on the command line; NULL where not given. */
struct provenance_options {
    const char *signature;   /* a file */
    const char *trusted_key; /* a file: PEM, or an OpenSSH public key */
    const char *trusted_ca;  /* a file of certificates in PEM */
    const char *identity;    /* whom the CA may vouch for */
    const char *root;        /* the signed model's folder; NULL: the one of the model's file */
    const char *checksums;   /* a file */
    const char *source;      /* a URI */
};

struct provenance_inputs {
    bool has_signature, has_checksums;
    struct provenance_file signature, checksums;
    struct buffer key, authorities;
    struct provenance_key keys[SIGNATURE_KEYS_MAX];
    const char *identities[CRYPTO_IDENTITIES_MAX];
    struct provenance_trust trust; /* points into the above; empty where no trusted_key or trusted_ca is given */
};

/*
 * Reads the files. ERROR_USAGE: options that do not go together, or a source that is no URI; ERROR_NO_INPUT;
 * ERROR_BAD_INPUT: a file is too large. `*inputs` must not move as long as its trust is used. On success or failure
 * provenance_inputs_free() it.
 */
MUST_USE int provenance_inputs_load(const struct provenance_options *options, int64_t now,
                                    struct provenance_inputs *inputs, struct error *err);
void provenance_inputs_free(struct provenance_inputs *inputs);
#define CLEANUP_PROVENANCE_INPUTS CLEANUP(provenance_inputs_free)

/* The folder of a file's path, as a new string; NULL without memory. */
char *provenance_folder_of(const char *path);

#endif
