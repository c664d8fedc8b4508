/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the host. */
#include "unit/guest/agent/play_host.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PLAY_DEADLINE_MS 60000u
#define PLAY_ARGUMENTS   8u

int play_start(struct play *play, char *const *arguments)
{
    char number[16];
    char *values[PLAY_ARGUMENTS + 4] = {(char[]){"lazaret-agent"}, (char[]){"--stream-fd"}, number};
    int pair[2];

    for (unsigned i = 0; arguments != NULL && arguments[i] != NULL && i < PLAY_ARGUMENTS; i++)
        values[3 + i] = arguments[i];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    play->pid = fork();
    if (play->pid == 0) {
        int agent = dup(pair[1]); /* without close-on-exec */

        (void)snprintf(number, sizeof number, "%d", agent);
        if (play->uid == 0 ||
            (setresgid(play->uid, play->uid, play->uid) == 0 && setresuid(play->uid, play->uid, play->uid) == 0))
            (void)execv(LAZARET_AGENT, values);
        _exit(PLAY_NO_AGENT);
    }
    (void)close(pair[1]);
    play->fd = pair[0];
    play->payload = buffer_with_limit(FRAME_PAYLOAD_MAX);
    sha256_start(&play->samples);
    return play->pid < 0 ? -errno : 0;
}

static int read_model(const char *path, uint8_t **ret_data, uint64_t *ret_size, uint8_t ret_digest[SHA256_SIZE])
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    *ret_size = (uint64_t)status.st_size;
    *ret_data = malloc(*ret_size);
    if (*ret_data == NULL || io_pread_full(fd, *ret_data, *ret_size, 0) != (ssize_t)*ret_size)
        r = -EIO;
    (void)close(fd);
    sha256_of(*ret_data, *ret_size, ret_digest);
    return r;
}

static void add_curve(struct plan_check *check, double norm, const double *eps, uint32_t count)
{
    struct plan_curve *curve = &check->attack.curves[check->attack.curve_count++];

    curve->norm = norm;
    curve->point_count = count;
    memcpy(curve->eps, eps, count * sizeof *eps);
}

int play_plan_digits(struct play *play, const char *path)
{
    static const double inf[] = {.01, .03, .05, .1, .2, .3}, two[] = {.1, .25, .5, 1, 2}, one[] = {.25, .5, 1, 2};
    struct plan *plan = &play->plan;

    *plan = (struct plan){.threads = 1, .batch = 64, .check_count = 3};
    plan->contract = (struct plan_contract){
        .rank = 3, .dims = {1, 8, 8}, .has_range = true, .range_low = 0, .range_high = 1, .classes = 10};
    plan->sets[PLAN_SET_TEST] = (struct plan_set){.present = true, .count = PLAY_TEST, .window = 100};
    plan->sets[PLAN_SET_TRAIN] =
        (struct plan_set){.present = true, .labelled = true, .count = PLAY_TRAIN, .window = 200};
    plan->checks[0] = (struct plan_check){.id = PLAN_CLEAN_ACCURACY, .version = 1};
    plan->checks[1] = (struct plan_check){.id = PLAN_FGSM, .version = 1, .attack.samples = 3};
    add_curve(&plan->checks[1], PLAN_NORM_INF, inf, 6);
    add_curve(&plan->checks[1], 2, two, 5);
    add_curve(&plan->checks[1], 1, one, 4);
    plan->checks[2] = (struct plan_check){.id = PLAN_ACTIVATION_CLUSTERING,
                                          .version = 1,
                                          .clustering = {.components = 10, .starts = 100, .minimum_class_size = 20}};
    return read_model(path, &play->model, &plan->model_size, plan->model_sha256);
}

int play_plan_drift(struct play *play, const char *path)
{
    struct plan *plan = &play->plan;

    plan->checks[plan->check_count++] =
        (struct plan_check){.id = PLAN_WEIGHT_DRIFT, .version = 1, .drift = {.minimum_elements = 20}};
    return read_model(path, &play->reference, &plan->reference_size, plan->reference_sha256);
}

int play_send(struct play *play, const struct message *message)
{
    struct buffer frame = buffer_with_limit(FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX);
    int r = message_encode(message, &frame);

    if (r == 0)
        r = io_write_full(play->fd, frame.data, frame.size, io_deadline_ms(PLAY_DEADLINE_MS));
    buffer_free(&frame);
    return r;
}

static int send_bytes(struct play *play, const void *data, size_t size, struct sha256 *hash)
{
    const uint8_t *bytes = data;

    sha256_update(hash, data, size);
    for (size_t done = 0; done < size;) {
        uint32_t count = size - done < FRAME_CHUNK_MAX ? (uint32_t)(size - done) : FRAME_CHUNK_MAX;
        struct frame_header header = {.type = MESSAGE_CHUNK, .size = count};
        int r = frame_write(play->fd, io_deadline_ms(PLAY_DEADLINE_MS), &header, bytes + done, NULL);

        if (r < 0)
            return r;
        done += count;
    }
    return 0;
}

static int send_end(struct play *play, struct sha256 *hash)
{
    struct message message = {.type = MESSAGE_TRANSFER_END};

    sha256_finish(hash, message.transfer_end.sha256);
    message.transfer_end.sha256[0] ^= play->break_digest;
    play->break_digest = false;
    return play_send(play, &message);
}

static int send_model(struct play *play, enum message_transfer_kind kind, const uint8_t *data, uint64_t size)
{
    struct message message = {.type = MESSAGE_TRANSFER, .transfer = {.kind = kind, .size = size}};
    struct sha256 hash;
    int r = play_send(play, &message);

    sha256_start(&hash);
    if (r == 0)
        r = send_bytes(play, data, size, &hash);
    return r == 0 ? send_end(play, &hash) : r;
}

static int send_models(struct play *play)
{
    int r = send_model(play, MESSAGE_TRANSFER_MODEL, play->model, play->plan.model_size);

    if (r == 0 && play->plan.reference_size > 0)
        r = send_model(play, MESSAGE_TRANSFER_REFERENCE, play->reference, play->plan.reference_size);
    return r;
}

static int send_window(struct play *play, enum plan_set_id id, uint64_t first)
{
    const struct plan_set *set = &play->plan.sets[id];
    uint32_t count = plan_window_count(set, first);
    size_t sample = PLAY_PIXELS * sizeof(float);
    struct message message = {.type = MESSAGE_TRANSFER,
                              .transfer = {.kind = MESSAGE_TRANSFER_WINDOW, .set = id, .first = first, .count = count}};
    struct sha256 hash;
    int r;

    message.transfer.size = count * (sample + (set->labelled ? sizeof(uint32_t) : 0));
    r = play_send(play, &message);
    sha256_start(&hash);
    for (uint32_t i = 0; r == 0 && id == PLAN_SET_TEST && set->count > PLAY_TEST && i < count; i++)
        r = send_bytes(play, play->test_x + (first + i) % PLAY_TEST * PLAY_PIXELS, sample, &hash);
    if (r == 0 && (id == PLAN_SET_TRAIN || set->count <= PLAY_TEST))
        r = send_bytes(play, (id == PLAN_SET_TRAIN ? play->train_x : play->test_x) + first * PLAY_PIXELS,
                       count * sample, &hash);
    if (r == 0 && set->labelled)
        r = send_bytes(play, play->train_y + first, count * sizeof(uint32_t), &hash);
    return r == 0 ? send_end(play, &hash) : r;
}

struct sender {
    struct play *play;
    uint32_t check;
    int result;
};

static void *send_windows(void *argument)
{
    struct sender *sender = argument;
    const struct plan *plan = &sender->play->plan;

    for (int id = 0; id < PLAN_SET_COUNT; id++) {
        if (!plan_check_reads(plan, plan->checks[sender->check].id, (enum plan_set_id)id))
            continue;
        for (uint64_t first = 0; sender->result == 0 && first < plan->sets[id].count;) {
            sender->result = send_window(sender->play, (enum plan_set_id)id, first);
            first += plan_window_count(&plan->sets[id], first);
        }
    }
    return NULL;
}

static void keep_predictions(struct play *play, const struct message_predictions *p)
{
    uint32_t point = p->point;

    play->prediction_count += p->count;
    for (uint32_t c = 0; c < p->curve; c++)
        point += play->plan.checks[p->check].attack.curves[c].point_count;
    for (uint32_t i = 0; i < p->count; i++)
        memcpy(&play->predictions[p->check][point][(p->first + i) % PLAY_TEST], p->classes.data + 4 * (size_t)i, 4);
}

static void keep_failure(struct play *play, const struct message_failure *failure)
{
    play->failed = true;
    play->failure = *failure;
    memcpy(play->failure_text, failure->text.data, failure->text.size);
    play->failure_text[failure->text.size] = '\0';
}

static void keep_done(struct play *play, const struct message_check_done *done)
{
    play->done[done->check] = *done;
    memcpy(play->skipped[done->check], done->skipped.data, done->skipped.size);
    play->skipped[done->check][done->skipped.size] = '\0';
}

static void keep(struct play *play, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_GUEST_HELLO:
        play->hello = message->guest_hello;
        break;
    case MESSAGE_READY:
        play->ready = message->ready;
        break;
    case MESSAGE_PREDICTIONS:
        keep_predictions(play, &message->predictions);
        break;
    case MESSAGE_SAMPLE:
        sha256_update(&play->samples, message->sample.elements.data, message->sample.elements.size);
        play->sample_elements += message->sample.elements.size / sizeof(float);
        break;
    case MESSAGE_CLUSTER:
        play->clusters[message->cluster.label] = message->cluster;
        break;
    case MESSAGE_PROGRESS:
        play->progress_count++;
        break;
    case MESSAGE_ROW:
        if (play->row_count < PLAY_ROWS_MAX)
            play->rows[play->row_count++] = message->row;
        break;
    case MESSAGE_SCAN_DONE:
        play->scan_done = message->scan_done;
        break;
    case MESSAGE_FINDING:
        play->finding_count++;
        break;
    case MESSAGE_CHECK_DONE:
        keep_done(play, &message->check_done);
        break;
    case MESSAGE_FAILURE:
        keep_failure(play, &message->failure);
        break;
    default:
        break;
    }
}

int play_receive(struct play *play, struct message *ret_message)
{
    struct frame_header header;
    struct error err = {0};
    int r = frame_read(play->fd, io_deadline_ms(PLAY_DEADLINE_MS), &header, &play->payload, &err);

    if (r == 0)
        r = message_decode(&header, play->payload.data, ret_message, &err);
    if (r == 0)
        r = session_host_receive(&play->judge, ret_message, &err);
    if (r < 0)
        fprintf(stderr, "play: %s\n", err.text);
    else
        keep(play, ret_message);
    return r;
}

/* Receives until a message of this type. */
static int await(struct play *play, enum message_type type)
{
    struct message message;

    for (;;) {
        int r = play_receive(play, &message);

        if (r < 0)
            return r;
        if (message.type == MESSAGE_FAILURE)
            return -ECANCELED;
        if (message.type == type)
            return 0;
    }
}

int play_import(struct play *play)
{
    struct message hello = {.type = MESSAGE_HELLO, .hello = {.version = MESSAGE_VERSION}};
    struct buffer frame = buffer_with_limit(FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX);
    int r;

    memset(hello.hello.nonce, 7, sizeof hello.hello.nonce);
    session_host_start(&play->judge, &play->plan, hello.hello.nonce);
    r = play_send(play, &hello);
    if (r == 0)
        r = await(play, MESSAGE_GUEST_HELLO);
    if (r == 0)
        r = plan_encode(&play->plan, &frame);
    if (r == 0)
        r = io_write_full(play->fd, frame.data, frame.size, io_deadline_ms(PLAY_DEADLINE_MS));
    buffer_free(&frame);
    if (r == 0)
        r = send_models(play);
    if (r == 0 && play->plan.checks[0].id == PLAN_SCAN)
        r = play_check(play, 0);
    if (r == 0)
        r = session_host_import(&play->judge);
    if (r == 0)
        r = play_send(play, &(struct message){.type = MESSAGE_IMPORT});
    if (r == 0 || r == -EPIPE || r == -ECONNRESET)
        r = await(play, MESSAGE_READY);
    return r;
}

int play_check(struct play *play, uint32_t check)
{
    struct message message = {.type = MESSAGE_CHECK, .check = {.index = check}};
    struct sender sender = {.play = play, .check = check};
    pthread_t thread;
    int r = session_host_begin_check(&play->judge, check);

    play->row_count = 0;
    if (r == 0)
        r = play_send(play, &message);
    if (r < 0)
        return r;
    if (pthread_create(&thread, NULL, send_windows, &sender) != 0)
        return -EAGAIN;
    r = await(play, MESSAGE_CHECK_DONE);
    if (r < 0)
        (void)shutdown(play->fd, SHUT_RDWR); /* the sender must not wait for a reader that is gone */
    (void)pthread_join(thread, NULL);
    return r == 0 ? sender.result : r;
}

int play_part(struct play *play)
{
    const struct message bye = {.type = MESSAGE_BYE};
    int r = session_host_part(&play->judge);

    if (r == 0)
        r = play_send(play, &bye);
    return r == 0 ? await(play, MESSAGE_GOODBYE) : r;
}

int play_all(struct play *play)
{
    int r = play_import(play);

    for (uint32_t i = 0; r == 0 && i < play->plan.check_count; i++)
        r = play_check(play, i);
    return r == 0 ? play_part(play) : r;
}

int play_end(struct play *play)
{
    int status = 0;

    (void)close(play->fd);
    (void)waitpid(play->pid, &status, 0);
    buffer_free(&play->payload);
    free(play->model);
    free(play->reference);
    play->model = play->reference = NULL;
    return status;
}

void play_digest(const struct play *play, uint8_t ret_digest[SHA256_SIZE])
{
    struct sha256 hash = play->samples;

    sha256_update(&hash, play->predictions, sizeof play->predictions);
    sha256_update(&hash, play->clusters, sizeof play->clusters);
    sha256_finish(&hash, ret_digest);
}
