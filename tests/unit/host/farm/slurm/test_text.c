/* SPDX-License-Identifier: Apache-2.0 */
/* What Slurm's programs print, orders and records: what is read, and what is refused. */
#include "unit/harness.h"

#include "host/farm/cost.h"
#include "host/farm/slurm/order.h"
#include "host/farm/slurm/text.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

#define NONCE "00112233445566778899aabbccddeeff"

static int submitted(const char *text, int64_t *ret_job)
{
    return slurm_read_submitted(text, strlen(text), ret_job);
}

static void test_submitted(void)
{
    static const char *const wrong[] = {"", "\n", "x", "-1", "0", "12x", "99999999999999999999", "4294967296", " 7"};
    int64_t job = 0;

    CU_ASSERT_EQUAL(submitted("123\n", &job), 0);
    CU_ASSERT_EQUAL(job, 123);
    CU_ASSERT_EQUAL(submitted("77;cluster\n", &job), 0);
    CU_ASSERT_EQUAL(job, 77);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_EQUAL(submitted(wrong[i], &job), -EBADMSG);
    CU_ASSERT_EQUAL(job, 77);
}

static void test_tasks(void)
{
    static const char text[] = "lazaret-1-2|0|RUNNING|n1|None\n"
                               "no line of five fields\n"
                               "lazaret-1-2|1001|RUNNING|n1|None\n" /* beyond any array */
                               "lazaret-1-2|[3-9]|PENDING||Resources\n"
                               "lazaret 1|1|PENDING||Resources\n"
                               "lazaret-1-2|7|NODE_FAIL|n[1-2]|Node|Fail\x1b[2J\n"
                               "lazaret-1-2|8|SOMETHING_NEW||x";
    struct cursor cursor = cursor_over(text, sizeof text - 1);
    struct slurm_task task;

    CU_ASSERT_EQUAL_FATAL(slurm_next_task(&cursor, &task), 1);
    CU_ASSERT_STRING_EQUAL(task.name, "lazaret-1-2");
    CU_ASSERT_EQUAL(task.task, 0);
    CU_ASSERT_EQUAL(task.stage, SLURM_RUNNING);
    CU_ASSERT_STRING_EQUAL(task.node, "n1");
    CU_ASSERT_EQUAL_FATAL(slurm_next_task(&cursor, &task), 1);
    CU_ASSERT_EQUAL(task.task, 7);
    CU_ASSERT_EQUAL(task.stage, SLURM_NODE_LOST);
    CU_ASSERT_STRING_EQUAL(task.node, "");
    CU_ASSERT_STRING_EQUAL(task.reason, "Node|Fail?[2J");
    CU_ASSERT_EQUAL_FATAL(slurm_next_task(&cursor, &task), 1);
    CU_ASSERT_EQUAL(task.stage, SLURM_WAITING); /* what is not known is no end */
    CU_ASSERT_EQUAL(slurm_next_task(&cursor, &task), 0);
}

static void test_nodes(void)
{
    static const char text[] = "n1|64|257000|idle|gpu:a100:4(S:0-1),gpu:2,mps:400\n"
                               "n2|2|4000|down*|(null)\n"
                               "-n3|2|4000|idle|(null)\n"
                               "n4|many|4000|idle|(null)\n"
                               "n5|8|1000|mix|gpu:\n"
                               "n6|8|1000|idle*|nogpu:7\n";
    struct cursor cursor = cursor_over(text, sizeof text - 1);
    struct slurm_node node;

    CU_ASSERT_EQUAL_FATAL(slurm_next_node(&cursor, &node), 1);
    CU_ASSERT_STRING_EQUAL(node.name, "n1");
    CU_ASSERT_EQUAL(node.cores, 64);
    CU_ASSERT_EQUAL(node.memory_mib, 257000);
    CU_ASSERT_EQUAL(node.gpus, 6);
    CU_ASSERT_EQUAL_FATAL(slurm_next_node(&cursor, &node), 1);
    CU_ASSERT_STRING_EQUAL(node.name, "n2");
    CU_ASSERT_EQUAL_FATAL(slurm_next_node(&cursor, &node), 1);
    CU_ASSERT_STRING_EQUAL(node.name, "n5");
    CU_ASSERT_EQUAL(node.gpus, 0);
    CU_ASSERT_EQUAL_FATAL(slurm_next_node(&cursor, &node), 1);
    CU_ASSERT_STRING_EQUAL(node.name, "n6");
    CU_ASSERT_EQUAL(node.gpus, 0);
    CU_ASSERT_EQUAL(slurm_next_node(&cursor, &node), 0);
}

static void test_orders(void)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ORDER_FILE_MAX);
    CLEANUP_JSON json_t *orders = json_array(), *document = NULL, *gpus = json_pack("{s:[s]}", "*", "0000:01:00.0");
    char description[] = "{\"folder\":\"/m\",\"id\":\"a\",\"model\":\"a.onnx\"}",
         settings[] = "[\"--isolation\",\"microvm\"]";
    const struct queue_lease lease = {
        .description = description, .settings = settings, .needs = {.memory_mib = 512 + COST_MACHINE_MIB}};
    struct order order;
    struct error error = {0};

    CU_ASSERT_EQUAL(json_array_append_new(orders, json_null()), 0); /* a task that is no longer wanted */
    CU_ASSERT_EQUAL_FATAL(order_list_add(orders, NONCE, &lease, &error), 0);
    CU_ASSERT_EQUAL_FATAL(order_list_encode("lazaret-1-1", orders, gpus, &text, &error), 0);
    CU_ASSERT_EQUAL_FATAL(order_list_read(text.data, text.size, "o", 1, &document, &order, &error), 0);
    CU_ASSERT_STRING_EQUAL(order.nonce, NONCE);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(order.description, "model")), "a.onnx");
    CU_ASSERT_EQUAL_FATAL(json_array_size(order.settings), 4);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(order.settings, 2)), "--memory");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(order.settings, 3)), "512");
    CU_ASSERT_TRUE(json_equal(order.gpus, gpus));
    json_decref(TAKE_POINTER(document));
    CU_ASSERT_TRUE(order_list_read(text.data, text.size, "o", 0, &document, &order, &error) < 0);
    CU_ASSERT_EQUAL(order_list_read(text.data, text.size, "o", 2, &document, &order, &error), -ERANGE);
    CU_ASSERT_TRUE(order_list_read(text.data, text.size - 1, "o", 1, &document, &order, &error) < 0);
    CU_ASSERT_PTR_NULL(document);
}

static void test_records(void)
{
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "{\"format\":2,\"node\":\"n1\",\"nonce\":\"" NONCE "\",\"said\":\"\",\"signal\":0,\"status\":0,\"wallMs\":1}",
        "{\"format\":1,\"node\":\"../n\",\"nonce\":\"" NONCE "\",\"said\":\"\",\"signal\":0,\"status\":0,\"wallMs\":1}",
        "{\"format\":1,\"node\":\"n1\",\"nonce\":\"" NONCE "\",\"said\":\"\",\"signal\":0,\"status\":-1,\"wallMs\":1}",
        "{\"format\":1,\"node\":\"n1\",\"nonce\":\"0\",\"said\":\"\",\"signal\":0,\"status\":0,\"wallMs\":1}",
        "{\"format\":1,\"key\":1,\"node\":\"n1\",\"nonce\":\"" NONCE
        "\",\"said\":\"\",\"signal\":0,\"status\":0,\"wallMs\":1}"};
    const struct order_record record = {
        .nonce = NONCE, .node = "n1", .status = 3, .wall_ms = 12345, .said = "\x1b[2J no \xff text"};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ORDER_RECORD_MAX);
    struct order_record read = {0};
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(order_record_encode(&record, &text, &error), 0);
    CU_ASSERT_EQUAL_FATAL(order_record_read(text.data, text.size, "r", &read, &error), 0);
    CU_ASSERT_STRING_EQUAL(read.nonce, NONCE);
    CU_ASSERT_STRING_EQUAL(read.node, "n1");
    CU_ASSERT_EQUAL(read.status, 3);
    CU_ASSERT_EQUAL(read.wall_ms, 12345);
    CU_ASSERT_PTR_NULL(strchr(read.said, '\x1b'));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_TRUE(order_record_read(wrong[i], strlen(wrong[i]), "r", &read, &error) < 0);
}

static void test_nonces(void)
{
    char one[ORDER_NONCE_SIZE], two[ORDER_NONCE_SIZE];
    struct error error = {0};

    CU_ASSERT_EQUAL(order_draw_nonce(one, &error), 0);
    CU_ASSERT_EQUAL(order_draw_nonce(two, &error), 0);
    CU_ASSERT_TRUE(order_is_nonce(one) && order_is_nonce(two));
    CU_ASSERT_STRING_NOT_EQUAL(one, two);
    CU_ASSERT_FALSE(order_is_nonce("../../etc/passwd/0123456789abcdef"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"sbatch's answer", test_submitted}, {"squeue's lines", test_tasks},
        {"sinfo's lines", test_nodes},       {"orders", test_orders},
        {"records", test_records},           {"nonces", test_nonces},
    };

    return harness_run("host-farm-slurm", tests, HARNESS_COUNT(tests));
}
