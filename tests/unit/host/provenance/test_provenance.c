/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and their order, URIs, manifests, matching. Signatures themselves are made outside:
 * tests/interop/model-signing. */
#include "host/attest/uri.h"
#include "host/provenance/checksums.h"
#include "host/provenance/match.h"
#include "host/provenance/paths.h"
#include "unit/harness.h"
#include "unit/host/provenance/tests.h"

#include <stdio.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* --- paths ----------------------------------------------------------------------------------------------- */

static void test_paths_clean(void)
{
    static const char *const clean[] = {"a", "a/b", "...", ".git", "a b", "a..b/..c", "-", "\xc3\x9c", "a:0:1"};
    static const char *const others[] = {"", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "a/../b", "../a"};
    char longest[PATH_COMPONENT_MAX + 2];

    for (size_t i = 0; i < COUNT(clean); i++)
        CU_ASSERT(path_is_clean(clean[i], strlen(clean[i])));
    for (size_t i = 0; i < COUNT(others); i++)
        CU_ASSERT(!path_is_clean(others[i], strlen(others[i])));
    CU_ASSERT(!path_is_clean("a\0b", 3));
    memset(longest, 'x', sizeof longest);
    CU_ASSERT(path_is_clean(longest, PATH_COMPONENT_MAX));
    CU_ASSERT(!path_is_clean(longest, PATH_COMPONENT_MAX + 1));
}

/* As pathlib sorts them: python3 -c 'from pathlib import *; print(sorted(map(PurePosixPath, […])))' */
static void test_paths_order(void)
{
    static const char *const ordered[] = {".a",  "A",   "a",  "a/b", "a/b/c", "a/b-", "a/\x7f",  "a b",
                                          "a-b", "a.b", "aa", "b",   "b/!",   "~",    "\xc3\xa9"};

    for (size_t i = 0; i < COUNT(ordered); i++)
        for (size_t j = 0; j < COUNT(ordered); j++) {
            int order = path_compare(ordered[i], strlen(ordered[i]), ordered[j], strlen(ordered[j]));

            CU_ASSERT((order < 0) == (i < j) && (order == 0) == (i == j));
        }
    CU_ASSERT(strcmp("a/b", "a-b") > 0); /* which is why */
    CU_ASSERT(path_is_under("a/b", 3, "a", 1) && path_is_under("a", 1, "a", 1));
    CU_ASSERT(!path_is_under("ab", 2, "a", 1) && !path_is_under("a", 1, "a/b", 3) && !path_is_under("a-b", 3, "a", 1));
}

/* --- URIs ------------------------------------------------------------------------------------------------- */

static void test_uris(void)
{
    static const char *const good[] = {"https://example.org/models/a?b=c#d",
                                       "urn:model:x",
                                       "hf://org/model@main",
                                       "file:///srv/models/m.onnx",
                                       "s3://bucket/k",
                                       "https://[::1]:8080/m",
                                       "https://me@example.org/%20x",
                                       "x:y"};
    static const char *const bad[] = {"",
                                      "models/m.onnx",
                                      "/srv/m",
                                      "https:",
                                      "1x:y",
                                      "https://a b",
                                      "https://a/<x>",
                                      "https://a/%2",
                                      "https://a/%zz",
                                      "https://a#b#c",
                                      "https://[::1",
                                      "https://a/[b]",
                                      "https://u:p@h/",
                                      "https://\xc3\xa9/",
                                      "a\nb:c"};

    for (size_t i = 0; i < COUNT(good); i++)
        CU_ASSERT(uri_check(good[i], "--source", NULL) == 0);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct error err = {0};

        CU_ASSERT(uri_check(bad[i], "--source", &err) < 0 && err.kind == ERROR_USAGE);
    }
}

/* --- manifests ---------------------------------------------------------------------------------------------- */

#define EMPTY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* SHA-256 of nothing */
#define ALL_TWO "2dba5dbc339e7316aea2683faf839c1b7b1ee2313db792112588118df066aa35" /* of that digest's bytes, twice */

static int parse(const char *serialization, const char *resources, const char *all,
                 struct model_manifest **ret_manifest, struct error *err)
{
    char text[2048];

    (void)snprintf(text, sizeof text,
                   "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"" MODEL_MANIFEST_TYPE "\","
                   "\"subject\":[{\"name\":\"m\",\"digest\":{\"sha256\":\"%s\"}}],"
                   "\"predicate\":{\"serialization\":{%s},\"resources\":[%s]}}",
                   all, serialization, resources);
    return model_manifest_parse(text, strlen(text), ret_manifest, err);
}

#define FILES          "\"method\":\"files\",\"hash_type\":\"sha256\",\"allow_symlinks\":false"
#define RESOURCE(name) "{\"name\":\"" name "\",\"algorithm\":\"sha256\",\"digest\":\"" EMPTY "\"}"
#define PART(name)     "{\"name\":\"" name "\",\"algorithm\":\"sha256-sharded-8\",\"digest\":\"" EMPTY "\"}"
#define SHARDS         "\"method\":\"shards\",\"hash_type\":\"sha256\",\"shard_size\":8.0"

static void test_manifest(void)
{
    CLEANUP_MODEL_MANIFEST struct model_manifest *manifest = NULL;
    struct error err = {0};

    CU_ASSERT_FATAL(
        parse(FILES ",\"ignore_paths\":[\"x\"]", RESOURCE("a/b") "," RESOURCE("a-b"), ALL_TWO, &manifest, &err) == 0);
    CU_ASSERT(manifest->resource_count == 2 && !manifest->single && !manifest->legacy && manifest->shard_size == 0);
    CU_ASSERT(manifest->ignored_count == 1 && strcmp(manifest->ignored[0], "x") == 0);
    CU_ASSERT(manifest->resources[0].path_size == 3 && memcmp(manifest->resources[0].path, "a/b", 3) == 0);
    CU_ASSERT(parse(FILES, RESOURCE("a-b") "," RESOURCE("a/b"), ALL_TWO, &manifest, &err) < 0);
    CU_ASSERT(strstr(err.text, "order of path components") != NULL);
    CU_ASSERT(parse(FILES, RESOURCE("a/b") "," RESOURCE("a-b"), EMPTY, &manifest, &err) < 0);
    CU_ASSERT(strstr(err.text, "subject's digest") != NULL);
}

static void test_manifest_parts(void)
{
    CLEANUP_MODEL_MANIFEST struct model_manifest *manifest = NULL;
    struct error err = {0};

    CU_ASSERT_FATAL(parse(SHARDS, PART("a:0:8") "," PART("a:8:9"), ALL_TWO, &manifest, &err) == 0);
    CU_ASSERT(manifest->shard_size == 8 && manifest->resources[1].start == 8 && manifest->resources[1].end == 9);
    CU_ASSERT(parse(SHARDS, PART("a:0:8") "," PART("a:9:10"), ALL_TWO, &manifest, &err) < 0);
    CU_ASSERT(parse(SHARDS, PART("a:0:7") "," PART("a:7:9"), ALL_TWO, &manifest, &err) < 0);
    CU_ASSERT(parse(SHARDS, PART("a:0:8") "," PART("a:8:8"), ALL_TWO, &manifest, &err) < 0);
    CU_ASSERT(parse(SHARDS, PART("a:0:8") "," PART("a:8:17"), ALL_TWO, &manifest, &err) < 0);
    CU_ASSERT(parse(SHARDS, PART("a:0:8") "," PART("a:8:18446744073709551617"), ALL_TWO, &manifest, &err) < 0);
    CU_ASSERT(model_manifest_count_parts(8, 0) == 1 && model_manifest_count_parts(8, 8) == 1 &&
              model_manifest_count_parts(8, 9) == 2 && model_manifest_count_parts(0, 9) == 1);
}

static void test_matching(void)
{
    CLEANUP_MODEL_MANIFEST struct model_manifest *manifest = NULL;
    struct match_file files[] = {{.kind = MATCH_FILE, .path = ".gitignore", .path_size = 10},
                                 {.kind = MATCH_FILE, .path = "a/b", .path_size = 3},
                                 {.kind = MATCH_FILE, .path = "a-b", .path_size = 3}};
    uint8_t digest[SHA256_SIZE];
    struct error err = {0};

    CU_ASSERT_FATAL(parse(FILES, RESOURCE("a/b") "," RESOURCE("a-b"), ALL_TWO, &manifest, &err) == 0);
    CU_ASSERT(match_names(manifest, files, 3, 1, &err) == 0);
    CU_ASSERT(files[0].first == MATCH_UNNAMED && files[1].first == 0 && files[2].first == 1);
    sha256_of("", 0, digest);
    CU_ASSERT(match_digests(manifest, &files[1], digest, sizeof digest, &err) == 0);
    CU_ASSERT(match_digests(manifest, &files[1], digest, sizeof digest - 1, &err) < 0);
    digest[31] ^= 1;
    CU_ASSERT(match_digests(manifest, &files[1], digest, sizeof digest, &err) < 0 && err.kind == ERROR_MISMATCH);
    CU_ASSERT(match_names(manifest, files, 3, 0, &err) < 0); /* the model must be covered */
    CU_ASSERT(match_names(manifest, files, 2, 1, &err) < 0);
    CU_ASSERT(match_names(manifest, files + 1, 1, MATCH_NONE, &err) < 0);
    files[2].kind = MATCH_LINK;
    CU_ASSERT(match_names(manifest, files, 3, 1, &err) < 0 && strstr(err.text, "symbolic link") != NULL);
    files[2] = files[1];
    CU_ASSERT(match_names(manifest, files, 3, 1, &err) < 0 && err.kind == ERROR_INTERNAL); /* listed twice */
}

/* --- checksums ------------------------------------------------------------------------------------------------ */

static int check_sums(const char *text, const char *name)
{
    uint8_t sha256[SHA256_SIZE];

    sha256_of("", 0, sha256);
    return checksums_check(text, strlen(text), name, sha256, NULL);
}

static void test_checksums(void)
{
    CU_ASSERT(check_sums(EMPTY "  m\n", "m") == 0 && check_sums(EMPTY " *a/m", "m") == 0);
    CU_ASSERT(check_sums("SHA256 (m) = " EMPTY "\n", "m") == 0 &&
              check_sums("SHA256 (a) = b) = " EMPTY, "a) = b") == 0);
    CU_ASSERT(check_sums("\\" EMPTY "  a\\nb", "a\nb") == 0 && check_sums(EMPTY "  a\\nb", "a\nb") < 0);
    CU_ASSERT(check_sums(EMPTY "  mm\n", "m") < 0 && check_sums("", "m") < 0 &&
              check_sums("SHA512 (m) = 00\n", "m") < 0);
    CU_ASSERT(check_sums(EMPTY "  m\nnonsense\n", "m") < 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"paths: what is clean", test_paths_clean},
        {"paths: the order of components", test_paths_order},
        {"sources are absolute URIs", test_uris},
        {"a manifest's order and digest", test_manifest},
        {"a manifest's parts make up files", test_manifest_parts},
        {"files at hand against a manifest", test_matching},
        {"lists of checksums", test_checksums},
        {"files are hashed by their parts", test_content_parts},
        {"the process answers, and dies of what it may not do", test_process_answers_and_dies},
        {"the process is confined", test_process_is_confined},
        {"the process checks requests", test_process_requests_are_checked},
    };

    return harness_run("provenance", tests, HARNESS_COUNT(tests));
}
