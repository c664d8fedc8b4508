/* SPDX-License-Identifier: Apache-2.0 */
/* The tree against RFC 6962's vectors as Certificate Transparency's programs publish them, and against its definition.
 */
#include "host/ledger/merkle.h"
#include "unit/host/ledger/tests.h"

#include <errno.h>
#include <string.h>

#define SMALL_MAX 70u /* leaves of the trees that are tried whole */

/* The 8 well-known leaves, and the roots of the first 0 to 8 of them. */
static const struct {
    const char *bytes;
    size_t size;
} inputs[] = {
    {"", 0},
    {"\x00", 1},
    {"\x10", 1},
    {"\x20\x21", 2},
    {"\x30\x31", 2},
    {"\x40\x41\x42\x43", 4},
    {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
    {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
};

static const char *const roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static uint8_t leaves[SMALL_MAX][SHA256_SIZE];

/* The definition, 2.1, straight from leaves; recursion as deep as the tree. */
static void define_root(uint64_t begin, uint64_t end, uint8_t ret_hash[SHA256_SIZE])
{
    uint8_t left[SHA256_SIZE], right[SHA256_SIZE];
    uint64_t k = 1;

    if (end == begin) {
        merkle_empty_root(ret_hash);
        return;
    }
    if (end - begin == 1) {
        memcpy(ret_hash, leaves[begin], SHA256_SIZE);
        return;
    }
    while (2 * k < end - begin)
        k *= 2;
    define_root(begin, begin + k, left);
    define_root(begin + k, end, right);
    merkle_node(left, right, ret_hash);
}

static int small_node(void *argument, unsigned level, uint64_t index, uint8_t ret_hash[SHA256_SIZE], struct error *err)
{
    (void)argument, (void)err;
    define_root(index << level, (index + 1) << level, ret_hash);
    return 0;
}

static const struct merkle_source source = {.node = small_node};

static void make_leaves(void)
{
    for (unsigned i = 0; i < SMALL_MAX; i++)
        merkle_leaf(&i, sizeof i, leaves[i]);
}

static void test_vectors(void)
{
    char hex[SHA256_HEX_SIZE];
    uint8_t root[SHA256_SIZE];
    struct error err = {0};

    for (unsigned i = 0; i < 8; i++)
        merkle_leaf(inputs[i].bytes, inputs[i].size, leaves[i]);
    for (unsigned size = 0; size <= 8; size++) {
        CU_ASSERT_EQUAL(merkle_root(&source, size, root, &err), 0);
        sha256_to_hex(root, hex);
        CU_ASSERT_STRING_EQUAL(hex, roots[size]);
    }
}

/* A proof whose every hash was changed, one longer and one shorter: none may hold. */
static void refuse_inclusion(uint64_t index, uint64_t size, const struct merkle_proof *proof,
                             const uint8_t root[SHA256_SIZE])
{
    struct merkle_proof changed;
    struct error err = {0};

    for (size_t i = 0; i < proof->count; i++) {
        changed = *proof;
        changed.hashes[i][i % SHA256_SIZE] ^= 1;
        CU_ASSERT_EQUAL(merkle_check_inclusion(index, size, leaves[index], &changed, root, &err), -EBADMSG);
    }
    changed = *proof;
    changed.count++;
    CU_ASSERT_EQUAL(merkle_check_inclusion(index, size, leaves[index], &changed, root, &err), -EBADMSG);
    if (proof->count > 0) {
        changed.count = proof->count - 1;
        CU_ASSERT_EQUAL(merkle_check_inclusion(index, size, leaves[index], &changed, root, &err), -EBADMSG);
    }
    CU_ASSERT_EQUAL(merkle_check_inclusion(size, size, leaves[index], proof, root, &err), -EBADMSG);
    CU_ASSERT_EQUAL(merkle_check_inclusion(index, size, leaves[(index + 1) % SMALL_MAX], proof, root, &err), -EBADMSG);
}

static void test_inclusion(void)
{
    uint8_t root[SHA256_SIZE];
    struct merkle_proof proof;
    struct error err = {0};

    make_leaves();
    for (uint64_t size = 1; size <= SMALL_MAX; size++) {
        define_root(0, size, root);
        for (uint64_t index = 0; index < size; index++) {
            CU_ASSERT_EQUAL(merkle_prove_inclusion(&source, index, size, &proof, &err), 0);
            CU_ASSERT_EQUAL(merkle_check_inclusion(index, size, leaves[index], &proof, root, &err), 0);
            refuse_inclusion(index, size, &proof, root);
        }
    }
}

static void refuse_consistency(uint64_t from, uint64_t size, const struct merkle_proof *proof,
                               const uint8_t old_root[SHA256_SIZE], const uint8_t new_root[SHA256_SIZE])
{
    struct merkle_proof changed;
    uint8_t other[SHA256_SIZE];
    struct error err = {0};

    for (size_t i = 0; i < proof->count; i++) {
        changed = *proof;
        changed.hashes[i][i % SHA256_SIZE] ^= 0x80;
        CU_ASSERT_EQUAL(merkle_check_consistency(from, size, old_root, new_root, &changed, &err), -EBADMSG);
    }
    changed = *proof;
    changed.count++;
    CU_ASSERT_EQUAL(merkle_check_consistency(from, size, old_root, new_root, &changed, &err), -EBADMSG);
    memcpy(other, old_root, sizeof other);
    other[0] ^= 1;
    CU_ASSERT_EQUAL(merkle_check_consistency(from, size, other, new_root, proof, &err), -EBADMSG);
    if (from == 0)
        return; /* any tree grows from the empty one */
    memcpy(other, new_root, sizeof other);
    other[31] ^= 1;
    CU_ASSERT_EQUAL(merkle_check_consistency(from, size, old_root, other, proof, &err), -EBADMSG);
}

static void test_consistency(void)
{
    uint8_t old_root[SHA256_SIZE], new_root[SHA256_SIZE];
    struct merkle_proof proof;
    struct error err = {0};

    make_leaves();
    for (uint64_t size = 0; size <= SMALL_MAX; size++) {
        define_root(0, size, new_root);
        for (uint64_t from = 0; from <= size; from++) {
            define_root(0, from, old_root);
            CU_ASSERT_EQUAL(merkle_prove_consistency(&source, from, size, &proof, &err), 0);
            CU_ASSERT_EQUAL(merkle_check_consistency(from, size, old_root, new_root, &proof, &err), 0);
            refuse_consistency(from, size, &proof, old_root, new_root);
        }
        CU_ASSERT_EQUAL(merkle_check_consistency(size + 1, size, new_root, new_root, &proof, &err), -EBADMSG);
    }
}

const struct harness_test merkle_tests[] = {
    {"RFC 6962's roots", test_vectors},
    {"inclusion in every small tree", test_inclusion},
    {"consistency of every two small trees", test_consistency},
};
const size_t merkle_test_count = HARNESS_COUNT(merkle_tests);
