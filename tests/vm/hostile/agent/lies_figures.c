/* SPDX-License-Identifier: Apache-2.0 */
/* Predictions and figures that can't be. */
#include "hostile.h"

#include <string.h>
#include <unistd.h>

#define ABSURD_CLASSES MESSAGE_CLASSES_MAX

/* Marks that are replaced in the encoded message: 64-bit floats, big-endian, as msgpack has them. */
static const double mark = 0.123456789;

static uint64_t big_endian(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return __builtin_bswap64(bits);
}

/* --- predictions ---------------------------------------------------------------------------------------- */

/* Of all the window's samples, the last one's class. */
static bool with_class(struct puppet *puppet, struct message *message, uint32_t class)
{
    static uint8_t classes[PLAN_WINDOW_MAX * 4];
    uint32_t size = message->predictions.count * 4;

    memcpy(classes + size - 4, &class, sizeof class);
    message->predictions.classes = (struct message_blob){.data = classes, .size = size};
    puppet_send(puppet, message);
    return false;
}

static bool class_beyond(struct puppet *puppet, struct message *message)
{
    return with_class(puppet, message, PUPPET_CLASSES);
}

static bool class_negative(struct puppet *puppet, struct message *message)
{
    return with_class(puppet, message, UINT32_MAX);
}

static bool fewer(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->predictions.count--;
    message->predictions.classes.size -= 4;
    return true;
}

static bool more(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->predictions.count++;
    message->predictions.classes.size += 4;
    return true;
}

/* The count says one thing and the bytes another. */
static bool torn(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->predictions.classes.size -= 2;
    return true;
}

static bool none(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->predictions.count = 0;
    message->predictions.classes.size = 0;
    return true;
}

static bool other_point(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->predictions.point = 7;
    return true;
}

/* --- the model's own figures -------------------------------------------------------------------------------- */

static bool classes_other(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->ready.classes = 3;
    return true;
}

static bool classes_none(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->ready.classes = 0;
    return true;
}

static bool classes_beyond(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->ready.classes = ABSURD_CLASSES + 1;
    return true;
}

/* A million classes, and later a cluster for each. */
static bool classes_absurd(struct puppet *puppet, struct message *message)
{
    puppet->classes = message->ready.classes = ABSURD_CLASSES;
    return true;
}

/* Everything that the guest says of itself at its largest. */
static bool hello_absurd(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->guest_hello.processors = UINT16_MAX;
    message->guest_hello.memory_bytes = UINT64_MAX;
    return true;
}

static bool ready_absurd(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->ready.memory_bytes = UINT64_MAX;
    return true;
}

static bool costs_absurd(struct puppet *puppet, struct message *message)
{
    struct message_check_done *done = &message->check_done;

    (void)puppet;
    done->cpu_ns = done->images = done->gradient_cpu_ns = done->gradient_images = done->peak_memory_bytes = UINT64_MAX;
    return true;
}

/* --- clusters and rows ---------------------------------------------------------------------------------------- */

static bool cluster_with(struct puppet *puppet, struct message *message, double value)
{
    const uint64_t from = big_endian(mark), to = big_endian(value);

    message->cluster.silhouette = mark;
    puppet_send_patched(puppet, message, &from, &to, sizeof from);
    return false;
}

static bool cluster_nan(struct puppet *puppet, struct message *message)
{
    return cluster_with(puppet, message, __builtin_nan(""));
}

static bool cluster_infinite(struct puppet *puppet, struct message *message)
{
    return cluster_with(puppet, message, __builtin_inf());
}

static bool cluster_silhouette(struct puppet *puppet, struct message *message)
{
    return cluster_with(puppet, message, 1e300);
}

static bool cluster_sizes(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->cluster.sizes[0] = PLAN_SET_COUNT_MAX;
    return true;
}

static bool cluster_index(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->cluster.sizes[0] = 1;
    message->cluster.index_count[0] = 1;
    message->cluster.indices[0][0] = PLAN_SET_COUNT_MAX;
    return true;
}

static bool cluster_label(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->cluster.label = 5;
    return true;
}

static bool cluster_missing(struct puppet *puppet, struct message *message)
{
    *message = puppet_example(puppet, MESSAGE_CHECK_DONE);
    return true;
}

static bool points_uninvited(struct puppet *puppet, struct message *message)
{
    struct message points = puppet_example(puppet, MESSAGE_POINTS);

    puppet_send(puppet, message);
    puppet_send(puppet, &points);
    return false;
}

static bool row_columns(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->row.natural_count = ROW_NATURALS_MAX;
    return true;
}

static bool row_table(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->row.table = UINT8_MAX;
    return true;
}

static bool row_twice(struct puppet *puppet, struct message *message)
{
    puppet_send(puppet, message);
    return true;
}

/* More inputs without a gradient than there are inputs. */
static bool row_impossible(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->row.naturals[0] = ROW_NATURAL_MAX;
    message->row.naturals[1] = 1;
    return true;
}

const struct hostile_lie lies_figures[] = {
    {"class-beyond", MESSAGE_PREDICTIONS, class_beyond},
    {"class-negative", MESSAGE_PREDICTIONS, class_negative},
    {"fewer", MESSAGE_PREDICTIONS, fewer},
    {"more", MESSAGE_PREDICTIONS, more},
    {"torn", MESSAGE_PREDICTIONS, torn},
    {"none", MESSAGE_PREDICTIONS, none},
    {"other-point", MESSAGE_PREDICTIONS, other_point},
    {"classes-other", MESSAGE_READY, classes_other},
    {"classes-none", MESSAGE_READY, classes_none},
    {"classes-beyond", MESSAGE_READY, classes_beyond},
    {"classes-absurd", MESSAGE_READY, classes_absurd},
    {"hello-absurd", MESSAGE_GUEST_HELLO, hello_absurd},
    {"ready-absurd", MESSAGE_READY, ready_absurd},
    {"costs-absurd", MESSAGE_CHECK_DONE, costs_absurd},
    {"cluster-nan", MESSAGE_CLUSTER, cluster_nan},
    {"cluster-infinite", MESSAGE_CLUSTER, cluster_infinite},
    {"cluster-silhouette", MESSAGE_CLUSTER, cluster_silhouette},
    {"cluster-sizes", MESSAGE_CLUSTER, cluster_sizes},
    {"cluster-index", MESSAGE_CLUSTER, cluster_index},
    {"cluster-label", MESSAGE_CLUSTER, cluster_label},
    {"cluster-missing", MESSAGE_CLUSTER, cluster_missing},
    {"points-uninvited", MESSAGE_CLUSTER, points_uninvited},
    {"row-columns", MESSAGE_ROW, row_columns},
    {"row-table", MESSAGE_ROW, row_table},
    {"row-twice", MESSAGE_ROW, row_twice},
    {"row-impossible", MESSAGE_ROW, row_impossible},
    {0},
};
