/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying a signer's X.509 chain. */
#include "host/crypto/certificate.h"

#include "host/crypto/internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SECURITY_LEVEL 2 /* 112 bits: no SHA-1, no RSA below 2048 */

static void drop_x509(X509 **certificate)
{
    X509_free(*certificate);
}

static void drop_stack(STACK_OF(X509) * *stack)
{
    sk_X509_pop_free(*stack, X509_free);
}

static void drop_store(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static void drop_context(X509_STORE_CTX **context)
{
    X509_STORE_CTX_free(*context);
}

static void drop_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static int refuse(struct error *err, const char *what)
{
    ERR_clear_error();
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "the signature's certificates: %s", what);
}

static int no_memory(struct error *err)
{
    ERR_clear_error();
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to verify certificates");
}

/* --- reading ------------------------------------------------------------------------------------------- */

static int read_authorities(const void *pem, size_t size, const char *name, STACK_OF(X509) * *ret_stack,
                            struct error *err)
{
    CLEANUP_BIO BIO *bio = size <= CRYPTO_AUTHORITIES_SIZE ? BIO_new_mem_buf(pem, (int)size) : NULL;
    CLEANUP(drop_stack) STACK_OF(X509) *stack = sk_X509_new_null();
    X509 *certificate = NULL;

    ERR_clear_error(); /* the reason of the end is looked at below */
    if (stack == NULL)
        return no_memory(err);
    while (bio != NULL && (certificate = PEM_read_bio_X509(bio, NULL, crypto_refuse_passphrase, NULL)) != NULL) {
        if (sk_X509_num(stack) < (int)CRYPTO_AUTHORITIES_MAX && sk_X509_push(stack, certificate) != 0)
            continue;
        X509_free(certificate);
        if (sk_X509_num(stack) < (int)CRYPTO_AUTHORITIES_MAX)
            return no_memory(err);
        break; /* too many: no end was reached */
    }
    if (sk_X509_num(stack) == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        ERR_clear_error();
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: at least one X.509 certificate in PEM is expected, at most %u, and nothing broken", name,
                         CRYPTO_AUTHORITIES_MAX);
    }
    ERR_clear_error();
    *ret_stack = TAKE_POINTER(stack);
    return 0;
}

static int read_chain(const struct crypto_der *chain, size_t count, STACK_OF(X509) * *ret_stack, struct error *err)
{
    CLEANUP(drop_stack) STACK_OF(X509) *stack = sk_X509_new_null();

    if (stack == NULL)
        return no_memory(err);
    if (count == 0 || count > CRYPTO_CHAIN_MAX)
        return refuse(err, "their number is not what is expected");
    for (size_t i = 0; i < count; i++) {
        const unsigned char *next = chain[i].data;
        CLEANUP(drop_x509)
        X509 *certificate = chain[i].size <= CRYPTO_CERTIFICATE_MAX ? d2i_X509(NULL, &next, (long)chain[i].size) : NULL;

        if (certificate == NULL || next != chain[i].data + chain[i].size)
            return refuse(err, "one is no X.509 certificate in DER, or too large");
        if (sk_X509_push(stack, certificate) == 0)
            return no_memory(err);
        certificate = NULL; /* transferred */
    }
    *ret_stack = TAKE_POINTER(stack);
    return 0;
}

/* --- what certificates may be used for -------------------------------------------------------------------- */

static bool has_code_signing(X509 *certificate)
{
    return (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) != 0 &&
           (X509_get_extended_key_usage(certificate) & XKU_CODE_SIGN) != 0;
}

static int check_leaf_use(X509 *leaf, struct error *err)
{
    uint32_t flags = X509_get_extension_flags(leaf);

    if ((flags & EXFLAG_INVALID) != 0)
        return refuse(err, "the signer's has an extension that is malformed");
    if ((flags & EXFLAG_XKUSAGE) != 0 && !has_code_signing(leaf))
        return refuse(err, "the signer's is for other uses: its extendedKeyUsage does not name codeSigning");
    if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
        return refuse(err, "the signer's is for other uses: its keyUsage does not name digitalSignature");
    if ((flags & (EXFLAG_XKUSAGE | EXFLAG_KUSAGE)) == 0)
        return refuse(err, "the signer's says nothing of what it may be used for");
    return 0;
}

/* Those between leaf and root, of a chain that OpenSSL built. */
static int check_intermediates(const STACK_OF(X509) * chain, struct error *err)
{
    for (int i = 1; i + 1 < sk_X509_num(chain); i++) {
        X509 *authority = sk_X509_value(chain, i);

        if ((X509_get_extension_flags(authority) & EXFLAG_CA) == 0)
            return refuse(err, "an intermediate one is no CA's");
        if ((X509_get_extension_flags(authority) & EXFLAG_XKUSAGE) != 0 && !has_code_signing(authority))
            return refuse(err, "an intermediate CA's extendedKeyUsage does not name codeSigning");
    }
    return 0;
}

/* --- identity ------------------------------------------------------------------------------------------- */

static bool is_text(const ASN1_STRING *string, const char *identity)
{
    return string != NULL && (size_t)ASN1_STRING_length(string) == strlen(identity) &&
           memcmp(ASN1_STRING_get0_data(string), identity, strlen(identity)) == 0;
}

static bool is_alternative_name(const GENERAL_NAMES *names, const char *identity)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if ((name->type == GEN_EMAIL && is_text(name->d.rfc822Name, identity)) ||
            (name->type == GEN_URI && is_text(name->d.uniformResourceIdentifier, identity)) ||
            (name->type == GEN_DNS && is_text(name->d.dNSName, identity)))
            return true;
    }
    return false;
}

static bool is_subject(const X509 *leaf, const char *identity)
{
    CLEANUP_BIO BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    if (bio == NULL || X509_NAME_print_ex(bio, X509_get_subject_name(leaf), 0, XN_FLAG_RFC2253) <= 0)
        return false;
    size = BIO_get_mem_data(bio, &text);
    return size > 0 && (size_t)size == strlen(identity) && memcmp(text, identity, (size_t)size) == 0;
}

static int find_identity(X509 *leaf, const struct crypto_anchors *anchors, char ret_identity[CRYPTO_IDENTITY_SIZE],
                         struct error *err)
{
    CLEANUP(drop_names) GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

    for (size_t i = 0; i < anchors->identity_count; i++) {
        const char *identity = anchors->identities[i];

        if (*identity != '\0' && strlen(identity) < CRYPTO_IDENTITY_SIZE &&
            (is_alternative_name(names, identity) || is_subject(leaf, identity))) {
            memcpy(ret_identity, identity, strlen(identity) + 1);
            ERR_clear_error();
            return 0;
        }
    }
    return refuse(err,
                  "the signer is none of the identities that are expected (a subjectAltName or the whole subject)");
}

/* --- the chain ------------------------------------------------------------------------------------------- */

static int digest_of(const X509 *certificate, uint8_t ret_sha256[SHA256_SIZE], struct error *err)
{
    unsigned int size = SHA256_SIZE;

    if (X509_digest(certificate, EVP_sha256(), ret_sha256, &size) != 1)
        return crypto_fail(err, "hashing a certificate");
    return 0;
}

/* What a verified chain says of its leaf. */
static int describe(STACK_OF(X509) * verified, const struct crypto_anchors *anchors, struct crypto_leaf *leaf,
                    struct error *err)
{
    X509 *certificate = sk_X509_value(verified, 0);
    X509 *root = sk_X509_value(verified, sk_X509_num(verified) - 1);
    CLEANUP_PKEY EVP_PKEY *pkey = NULL;
    int r = check_leaf_use(certificate, err);

    if (r == 0)
        r = check_intermediates(verified, err);
    if (r == 0)
        r = find_identity(certificate, anchors, leaf->identity, err);
    if (r == 0)
        r = digest_of(certificate, leaf->certificate_sha256, err);
    if (r == 0)
        r = digest_of(root, leaf->authority_sha256, err);
    if (r < 0)
        return r;
    pkey = X509_get_pubkey(certificate);
    if (pkey == NULL || crypto_public_key_wrap(&pkey, "certificate", &leaf->key, NULL) < 0)
        return refuse(err, "the signer's key is of no kind that is used");
    return 0;
}

static int verify(STACK_OF(X509) * chain, X509_STORE *store, const struct crypto_anchors *anchors, int64_t now,
                  struct crypto_leaf *leaf, struct error *err)
{
    CLEANUP(drop_context) X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *parameters;

    if (context == NULL || X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) != 1)
        return no_memory(err);
    parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(parameters, (time_t)now);
    X509_VERIFY_PARAM_set_depth(parameters, (int)CRYPTO_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(parameters, SECURITY_LEVEL);
    if (X509_verify_cert(context) != 1)
        return refuse(err, X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    return describe(X509_STORE_CTX_get0_chain(context), anchors, leaf, err);
}

int crypto_chain_verify(const struct crypto_der *chain, size_t count, const struct crypto_anchors *anchors, int64_t now,
                        struct crypto_leaf *ret_leaf, struct error *err)
{
    CLEANUP(drop_stack) STACK_OF(X509) *authorities = NULL, *certificates = NULL;
    CLEANUP(drop_store) X509_STORE *store = X509_STORE_new();
    CLEANUP_CRYPTO_LEAF struct crypto_leaf leaf = {0};
    int r = store != NULL ? 0 : no_memory(err);

    if (r == 0)
        r = read_authorities(anchors->authorities, anchors->authorities_size, "the trusted authorities", &authorities,
                             err);
    if (r == 0)
        r = read_chain(chain, count, &certificates, err);
    for (int i = 0; r == 0 && i < sk_X509_num(authorities); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(authorities, i)) != 1)
            r = no_memory(err);
    if (r == 0)
        r = verify(certificates, store, anchors, now, &leaf, err);
    if (r < 0)
        return r;
    *ret_leaf = leaf;
    leaf.key = NULL; /* transferred */
    return 0;
}

int crypto_authorities_check(const void *pem, size_t size, const char *name, struct error *err)
{
    CLEANUP(drop_stack) STACK_OF(X509) *stack = NULL;

    return read_authorities(pem, size, name, &stack, err);
}

void crypto_leaf_free(struct crypto_leaf *leaf)
{
    crypto_public_key_free(leaf->key);
    leaf->key = NULL;
}
