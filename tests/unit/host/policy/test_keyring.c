/* SPDX-License-Identifier: Apache-2.0 */
/* Key rings: what is read, when a key is valid, and everything that is refused with its place. */
#include "host/policy/keyring.h"

#include "host/policy/policy.h"
#include "unit/harness.h"
#include "unit/host/policy/tests.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* Two keys and their fingerprints, as OpenSSL's command line made and hashed them. */
#define PEM_ONE                                                                                                        \
    "    -----BEGIN PUBLIC KEY-----\n"                                                                                 \
    "    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEA0VphkvuZeYhPOBGifXwZlj/fRQb\n"                                           \
    "    z449S/qDJhnB8kY1JtjVGExAVeDic/9Rm6NqEacqE7f78NdjBO8+2Kkf6A==\n"                                               \
    "    -----END PUBLIC KEY-----\n"
#define PEM_TWO                                                                                                        \
    "    -----BEGIN PUBLIC KEY-----\n"                                                                                 \
    "    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4SFwGSNnyqaGYleQNDUeEXLTa5uG\n"                                           \
    "    D2n8XKgRmLvhLbXu4GkVeXDSM3r+CZMEwGDXTzI13FrUzl89bvBdrU4I9A==\n"                                               \
    "    -----END PUBLIC KEY-----\n"
#define HEX_ONE   "5ab9b1925ce17f6e1dd50a6341b9b0f6079d01b839ee5e254f4c77df70d30419"
#define HEX_TWO   "26bfede5f72c4132230371b71ee5a4227f7e5b4d1dc4024bf075e8a36789debd"
#define HEX_THREE "0000000000000000000000000000000000000000000000000000000000000003"

#define KEY_ONE "- name: station-1\n  use: [result, waiver]\n  publicKey: |\n" PEM_ONE
#define KEY_TWO "- name: ann@example.org\n  use: [reviewer]\n  publicKey: |\n" PEM_TWO
#define DATES   "  notBefore: 2026-01-01\n  notAfter: 2027-01-01T12:00:00Z\n"

static int parse(const char *yaml, struct keyring *ret_ring, struct error *err)
{
    return keyring_parse(yaml, strlen(yaml), "k.yaml", ret_ring, err);
}

static const struct keyring_key *find(const struct keyring *ring, const char *hex, unsigned use)
{
    uint8_t fingerprint[SHA256_SIZE];

    CU_ASSERT_EQUAL_FATAL(sha256_from_hex(hex, fingerprint), 0);
    return keyring_find(ring, fingerprint, use);
}

void test_keyring_reads(void)
{
    static struct keyring ring;
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    uint8_t fingerprint[SHA256_SIZE];
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(parse("keys:\n" KEY_ONE DATES KEY_TWO "revoked:\n"
                                "- {fingerprint: " HEX_TWO ", since: 2026-06-01, reason: 'stolen, perhaps'}\n"
                                "- {fingerprint: " HEX_THREE ", since: 1970-01-01}\n",
                                &ring, &err),
                          0);
    CU_ASSERT_EQUAL(ring.count, 2);
    CU_ASSERT_PTR_EQUAL(find(&ring, HEX_ONE, KEYRING_RESULT), &ring.keys[0]);
    CU_ASSERT_PTR_EQUAL(find(&ring, HEX_ONE, KEYRING_WAIVER | KEYRING_MODEL), &ring.keys[0]);
    CU_ASSERT_PTR_NULL(find(&ring, HEX_ONE, KEYRING_REVIEWER | KEYRING_NODE));
    CU_ASSERT_PTR_EQUAL(find(&ring, HEX_TWO, KEYRING_ANY), &ring.keys[1]);
    CU_ASSERT_PTR_NULL(find(&ring, HEX_THREE, KEYRING_ANY));
    CU_ASSERT_PTR_EQUAL(keyring_find_name(&ring, "ann@example.org"), &ring.keys[1]);
    CU_ASSERT_PTR_NULL(keyring_find_name(&ring, "bob"));
    CU_ASSERT_STRING_EQUAL(ring.revoked[0].reason, "stolen, perhaps");
    CU_ASSERT_EQUAL(sha256_from_hex(HEX_THREE, fingerprint), 0);
    CU_ASSERT_PTR_EQUAL(keyring_find_revocation(&ring, fingerprint), &ring.revoked[1]);
    CU_ASSERT_EQUAL_FATAL(keyring_open(&ring.keys[1], &key, &err), 0);
    CU_ASSERT_EQUAL(crypto_public_key_fingerprint(key, fingerprint, &err), 0);
    CU_ASSERT_EQUAL(memcmp(fingerprint, ring.keys[1].fingerprint, SHA256_SIZE), 0);
}

/* A farm's node is found by its name, and by its key for its one use. */
void test_keyring_node(void)
{
    static struct keyring ring;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(parse("keys:\n- name: n-1.farm\n  use: [node]\n  publicKey: |\n" PEM_ONE, &ring, &err), 0);
    CU_ASSERT_PTR_EQUAL(keyring_find_name(&ring, "n-1.farm"), &ring.keys[0]);
    CU_ASSERT_PTR_EQUAL(find(&ring, HEX_ONE, KEYRING_NODE), &ring.keys[0]);
    CU_ASSERT_PTR_NULL(find(&ring, HEX_ONE, KEYRING_RESULT));
}

/* The line of an OpenSSH key file and the PEM of the same key are one key. */
void test_keyring_ssh(void)
{
    static const char line[] = "- name: ann\n  use: [reviewer]\n  publicKey: ssh-ed25519 "
                               "AAAAC3NzaC1lZDI1NTE5AAAAIICdBWxNkaMnoD4oPw0MaTJCV7x4DcuF/2qaxmObbIL2 ann\n";
    static const char pem[] = "- name: bob\n  use: [reviewer]\n  publicKey: |\n"
                              "    -----BEGIN PUBLIC KEY-----\n"
                              "    MCowBQYDK2VwAyEAgJ0FbE2RoyegPig/DQxpMkJXvHgNy4X/aprGY5tsgvY=\n"
                              "    -----END PUBLIC KEY-----\n";
    static const char hex[] = "d84f1bc0562ff584163d2a425415a1c94ea6cef0d8e3bf688b82b8912c3ae816";
    static struct keyring ring;
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(KEYRING_SIZE_MAX);
    struct error err = {0};

    CU_ASSERT_EQUAL(buffer_append_format(&yaml, "keys:\n%s", line), 0);
    CU_ASSERT_EQUAL_FATAL(keyring_parse(yaml.data, yaml.size, "k.yaml", &ring, &err), 0);
    CU_ASSERT_PTR_EQUAL(find(&ring, hex, KEYRING_REVIEWER), &ring.keys[0]);
    CU_ASSERT_EQUAL(buffer_append_format(&yaml, "%s", pem), 0);
    CU_ASSERT_EQUAL(keyring_parse(yaml.data, yaml.size, "k.yaml", &ring, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "keys[1] (bob).publicKey: the key of ann again"));
}

void test_keyring_judges(void)
{
    static struct keyring ring;
    const struct keyring_key *dated = &ring.keys[0], *revoked = &ring.keys[1];
    struct error err = {0};
    int64_t first = 0, last = 0, since = 0;

    CU_ASSERT_EQUAL_FATAL(parse("keys:\n" KEY_ONE DATES KEY_TWO "revoked: [{fingerprint: " HEX_TWO
                                ", since: 2026-06-01}]\n",
                                &ring, &err),
                          0);
    CU_ASSERT_EQUAL(time_text_parse("2026-01-01", &first), 0);
    CU_ASSERT_EQUAL(time_text_parse("2027-01-01T12:00:00Z", &last), 0);
    CU_ASSERT_EQUAL(time_text_parse("2026-06-01", &since), 0);
    CU_ASSERT_EQUAL(keyring_judge(dated, first - 1), KEYRING_NOT_YET);
    CU_ASSERT_EQUAL(keyring_judge(dated, first), KEYRING_VALID);
    CU_ASSERT_EQUAL(keyring_judge(dated, last), KEYRING_VALID);
    CU_ASSERT_EQUAL(keyring_judge(dated, last + 1), KEYRING_EXPIRED);
    CU_ASSERT_EQUAL(keyring_judge(revoked, 0), KEYRING_VALID);
    CU_ASSERT_EQUAL(keyring_judge(revoked, since - 1), KEYRING_VALID);
    CU_ASSERT_EQUAL(keyring_judge(revoked, since), KEYRING_REVOKED);
    CU_ASSERT_EQUAL(keyring_judge(revoked, TIME_TEXT_MAX), KEYRING_REVOKED);
}

void test_keyring_refuses(void)
{
    static const struct {
        const char *yaml, *said;
    } cases[] = {
        {"keys: []\n", "at least one expected"},
        {"keys:\n- name: a\n  use: [result]\n", "k.yaml: near line 3: Missing"},
        {"keys:\n- name: a\n  use: [everything]\n  publicKey: x\n", "k.yaml: near line 3"},
        {"keys:\n- name: a\n  use: []\n  publicKey: x\n", "keys[0] (a): at least one use"},
        {"keys:\n- name: a\n  use: [result]\n  publicKey: no key\n", "keys[0] (a).publicKey"},
        {"keys:\n- name: a b\n  use: [result]\n  publicKey: x\n", "keys[0].name: letters"},
        {"keys:\n" KEY_ONE KEY_ONE, "keys[1].name: station-1 is the name of another"},
        {"keys:\n" KEY_ONE "- name: b\n  use: [model]\n  publicKey: |\n" PEM_ONE,
         "keys[1] (b).publicKey: the key of station-1 again"},
        {"keys:\n" KEY_ONE "  notBefore: 2026-02-30\n", "keys[0] (station-1).notBefore"},
        {"keys:\n" KEY_ONE "  notAfter: tomorrow\n", "keys[0] (station-1).notAfter"},
        {"keys:\n" KEY_ONE "  notBefore: 2027-01-01\n  notAfter: 2026-01-01\n", "notAfter is before notBefore"},
        {"keys:\n" KEY_ONE "  comment: x\n", "k.yaml: near line"},
        {"keys:\n" KEY_ONE "revoked: [{fingerprint: abc, since: 2026-01-01}]\n", "k.yaml: near line"},
        {"revoked:\n- {fingerprint: " HEX_ONE ", since: 2026}\n", "revoked[0].since"},
        {"revoked:\n- {fingerprint: " HEX_ONE ", since: 2026-01-01}\n- {fingerprint: " HEX_ONE ", since: 2026-01-02}\n",
         "revoked[1]: a fingerprint used before"},
        {"revoked:\n- {fingerprint: A" HEX_ONE ", since: 2026-01-01}\n", "k.yaml: near line"},
        {"revoked:\n- {fingerprint: \"5ab9b1925ce17f6e1dd50a6341b9b0f6079d01b839ee5e254f4c77df70d3041G\", since: "
         "2026-01-01}\n",
         "revoked[0]: fingerprint"},
        {"revoked:\n- {fingerprint: " HEX_ONE ", since: 2026-01-01, reason: \"\\e[2J\"}\n", "revoked[0]: reason"},
        {"keys:\n- name: n@1\n  use: [node]\n  publicKey: |\n" PEM_ONE, "keys[0] (n@1): name: a node is called"},
        {"keys:\n- name: -n1\n  use: [node]\n  publicKey: |\n" PEM_ONE, "keys[0] (-n1): name: a node is called"},
        {"keys:\n- name: n1\n  use: [result, node]\n  publicKey: "
         "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIICdBWxNkaMnoD4oPw0MaTJCV7x4DcuF/2qaxmObbIL2 n1\n",
         "keys[0] (n1): a node's key signs results, and is ECDSA P-256"},
        {"tier: low\n", "k.yaml: near line 1"},
        {"", "an empty file"},
    };
    static struct keyring ring;

    ring.count = 77;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};

        CU_ASSERT_EQUAL(parse(cases[i].yaml, &ring, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].said));
        if (strstr(err.text, cases[i].said) == NULL)
            (void)fprintf(stderr, "case %zu: %s\n", i, err.text);
    }
    CU_ASSERT_EQUAL(ring.count, 77);
}

/* An Ed25519 key in PEM, which nobody holds: its point is counted up. RFC 8410 has the prefix. */
static void append_counted_key(struct buffer *yaml, unsigned number)
{
    uint8_t der[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    unsigned char text[64];

    der[12] = (uint8_t)number;
    der[13] = (uint8_t)(number >> 8);
    (void)EVP_EncodeBlock(text, der, sizeof der);
    CU_ASSERT_EQUAL_FATAL(buffer_append_format(yaml,
                                               "- name: n%u\n  use: [reviewer]\n  publicKey: |\n"
                                               "    -----BEGIN PUBLIC KEY-----\n    %s\n"
                                               "    -----END PUBLIC KEY-----\n",
                                               number, (const char *)text),
                          0);
}

/* The nodes of a large farm: as many keys as there is room for, each found; and one more. */
void test_keyring_many(void)
{
    static struct keyring ring;
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(KEYRING_SIZE_MAX);
    struct error err = {0};

    CU_ASSERT_EQUAL(buffer_append_format(&yaml, "keys:\n"), 0);
    for (unsigned i = 0; i < KEYRING_KEYS_MAX; i++)
        append_counted_key(&yaml, i);
    CU_ASSERT_EQUAL_FATAL(keyring_parse(yaml.data, yaml.size, "k.yaml", &ring, &err), 0);
    CU_ASSERT_EQUAL(ring.count, KEYRING_KEYS_MAX);
    for (unsigned i = 0; i < KEYRING_KEYS_MAX; i++)
        CU_ASSERT_PTR_EQUAL(keyring_find(&ring, ring.keys[i].fingerprint, KEYRING_REVIEWER), &ring.keys[i]);
    append_counted_key(&yaml, KEYRING_KEYS_MAX);
    CU_ASSERT_EQUAL(keyring_parse(yaml.data, yaml.size, "k.yaml", &ring, &err), -EBADMSG);
}

/* No more keys than there is room for. */
void test_keyring_bounds(void)
{
    static struct keyring ring;
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(KEYRING_SIZE_MAX + 1);
    struct error err = {0};

    CU_ASSERT_EQUAL(buffer_append_format(&yaml, "revoked:\n"), 0);
    for (unsigned i = 0; i <= KEYRING_REVOKED_MAX; i++)
        CU_ASSERT_EQUAL(buffer_append_format(&yaml, "- {fingerprint: %064u, since: 2026-01-01}\n", i), 0);
    CU_ASSERT_EQUAL(keyring_parse(yaml.data, yaml.size, "k.yaml", &ring, &err), -EBADMSG);
    yaml.size -= strlen("- {fingerprint: , since: 2026-01-01}\n") + 64;
    CU_ASSERT_EQUAL(keyring_parse(yaml.data, yaml.size, "k.yaml", &ring, &err), 0);
    CU_ASSERT_EQUAL(ring.revoked_count, KEYRING_REVOKED_MAX);
    while (yaml.size <= KEYRING_SIZE_MAX)
        CU_ASSERT_EQUAL_FATAL(buffer_append_u8(&yaml, '\n'), 0);
    CU_ASSERT_EQUAL(keyring_parse(yaml.data, yaml.size, "k.yaml", &ring, &err), -EMSGSIZE);
    CU_ASSERT_EQUAL(keyring_load("tests/no-such-file.yaml", &ring, &err), -ENOENT);
}

void test_keyring_in_policy(void)
{
    static const char yaml[] = "tier: low\nchecks: {scan: {required: true}}\nkeys:\n" KEY_ONE
                               "revoked: [{fingerprint: " HEX_ONE ", since: 2026-06-01}]\n";
    static const char bad[] = "tier: low\nchecks: {scan: {required: true}}\nkeys:\n" KEY_ONE "  notAfter: x\n";
    static struct policy policy;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(policy_parse(yaml, strlen(yaml), "p.yaml", &policy, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(find(&policy.keyring, HEX_ONE, KEYRING_RESULT));
    CU_ASSERT_EQUAL(keyring_judge(&policy.keyring.keys[0], INT64_C(1800000000)), KEYRING_REVOKED);
    CU_ASSERT_EQUAL(policy_parse(bad, strlen(bad), "p.yaml", &policy, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "p.yaml: keys[0] (station-1).notAfter"));
}
