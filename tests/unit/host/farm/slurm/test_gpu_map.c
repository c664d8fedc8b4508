/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPU a number of Slurm's is: the file, what orders have of it, and what a node is told. */
#include "unit/harness.h"

#include "host/farm/slurm/gpu_map.h"
#include "host/json/reader.h"

#include <stdio.h>
#include <string.h>

static const char good[] = "# node GPUs 0, 1, …\n"
                           "\n"
                           "node017\t0000:3B:00.0  af:00.0\r\n"
                           "  node-18.x 0000:01:00.0#the only one\n"
                           "* 0000:65:00.0";

static struct gpu_map *parse(const char *text)
{
    struct gpu_map *map = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(gpu_map_parse(text, strlen(text), "gpus", &map, &error), 0);
    return map;
}

static void test_file(void)
{
    struct gpu_map *map = parse(good);

    CU_ASSERT_EQUAL(gpu_map_count(map, "node017"), 2);
    CU_ASSERT_EQUAL(gpu_map_count(map, "node-18.x"), 1);
    CU_ASSERT_EQUAL(gpu_map_count(map, "another"), 1);
    gpu_map_free(map);
    map = parse("n1 0000:01:00.0\n");
    CU_ASSERT_EQUAL(gpu_map_count(map, "n2"), 0);
    gpu_map_free(map);
}

static void test_wrong_files(void)
{
    static const struct {
        const char *text, *said;
    } wrong[] = {
        {"", "names no node's GPUs"},
        {"# nothing\n\n", "names no node's GPUs"},
        {"n1 0000:01:00.0\nn2\n", "line 2: the node's GPUs are missing"},
        {"n1 0\n", "line 1: a GPU's PCI address expected"},
        {"n1 0000:01:00.8\n", "line 1: a GPU's PCI address expected"},
        {"n1: 0000:01:00.0\n", "line 1: a node's name expected"},
        {"-n 0000:01:00.0\n", "line 1: a node's name expected"},
        {"\n\nn\x1b[2J 0000:01:00.0\n", "line 3: a node's name expected"},
        {"n1 0000:01:00.0\n* 0000:01:00.0\nn1 0000:02:00.0\n", "line 3: this node has a line already"},
        {"* 01:00.0\n* 02:00.0\n", "line 2: this node has a line already"},
        {"n1 0000:01:00.0 0000:01:00.1\n", "line 1: one GPU twice"},
    };
    char text[1024] = "n1", address[32];
    struct gpu_map *map = NULL;
    struct error error = {0};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CU_ASSERT(gpu_map_parse(wrong[i].text, strlen(wrong[i].text), "gpus", &map, &error) < 0);
        CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, wrong[i].said));
        CU_ASSERT_PTR_NULL(strchr(error.text, '\x1b'));
    }
    for (unsigned i = 0; i <= GPU_MAP_GPUS_MAX; i++) {
        (void)snprintf(address, sizeof address, " %02x:00.0", i);
        (void)strncat(text, address, sizeof text - strlen(text) - 1);
    }
    CU_ASSERT(gpu_map_parse(text, strlen(text), "gpus", &map, &error) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "more than 16 GPUs"));
    CU_ASSERT(gpu_map_parse("n1 01:00.0\0 02:00.0", 19, "gpus", &map, &error) < 0);
    CU_ASSERT_PTR_NULL(map);
}

static void test_found(void)
{
    static const char *const hostile[] = {"",   "2",   "00000000000",          "0,1",     "0-1",   "-1", " 0", "0 ",
                                          "+0", "0x0", "18446744073709551616", "\x1b[2J", "mig-0", "99"};
    struct gpu_map *map = parse(good);
    CLEANUP_JSON json_t *json = gpu_map_json(map);
    char address[PCI_ADDRESS_SIZE] = "untouched";
    struct error error = {0};

    gpu_map_free(map);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        CU_ASSERT(gpu_map_find(json, "node017", hostile[i], address, &error) < 0);
        CU_ASSERT_EQUAL(error.kind, ERROR_UNAVAILABLE);
        CU_ASSERT_PTR_NULL(strchr(error.text, '\x1b'));
    }
    CU_ASSERT(gpu_map_find(json, "node017", NULL, address, &error) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "SLURM_JOB_GPUS is not set"));
    CU_ASSERT_STRING_EQUAL(address, "untouched");
    CU_ASSERT_EQUAL(gpu_map_find(json, "node017", "0", address, &error), 0);
    CU_ASSERT_STRING_EQUAL(address, "0000:3b:00.0");
    CU_ASSERT_EQUAL(gpu_map_find(json, "node017", "1", address, &error), 0);
    CU_ASSERT_STRING_EQUAL(address, "0000:af:00.0");
    CU_ASSERT_EQUAL(gpu_map_find(json, "elsewhere", "0", address, &error), 0);
    CU_ASSERT_STRING_EQUAL(address, "0000:65:00.0");
    CU_ASSERT(gpu_map_find(json, "elsewhere", "1", address, &error) < 0);
}

/* The orders' text is foreign until its digest has been compared, and is read with care after that too. */
static void test_foreign_map(void)
{
    static const char *const wrong[] = {
        "{}", "{\"n\":1}", "{\"n\":[]}", "{\"n\":[1]}", "{\"n\":[\"--gpu\"]}", "{\"n\":{\"0\":\"01:00.0\"}}", "[]"};
    char address[PCI_ADDRESS_SIZE];
    struct error error = {0};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CLEANUP_JSON json_t *json = json_loads(wrong[i], 0, NULL);

        CU_ASSERT(gpu_map_find(json, "n", "0", address, &error) < 0);
    }
    CU_ASSERT(gpu_map_find(NULL, "n", "0", address, &error) < 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"a file", test_file},
        {"files that are none", test_wrong_files},
        {"what Slurm says", test_found},
        {"what orders say", test_foreign_map},
    };

    return harness_run("host-farm-slurm-gpu-map", tests, HARNESS_COUNT(tests));
}
