/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of host/crypto, one file a concern. */
#ifndef LAZARET_TESTS_UNIT_HOST_CRYPTO_TESTS_H
#define LAZARET_TESTS_UNIT_HOST_CRYPTO_TESTS_H

#include "unit/harness.h"

void test_public_kinds(void);
void test_public_crossed(void);
void test_public_refused(void);
void test_timestamp_judged(void);
void test_timestamp_claims(void);
void test_timestamp_by_path(void);
void test_timestamp_tampered(void);
void test_timestamp_requests(void);
int test_passphrase_begin(void); /* around the next three; 0 or not */
int test_passphrase_end(void);
void test_passphrase_openssl(void);
void test_passphrase_files(void);
void test_passphrase_generate(void);
void test_pkcs11_uris(void);
void test_pkcs11_long(void);

#endif
