/* SPDX-License-Identifier: Apache-2.0 */
/* What Slurm's programs print. */
#include "host/farm/slurm/text.h"

#include <errno.h>
#include <string.h>

#define FIELDS       5u
#define LINE_MAX_LEN 1024u
#define DIGITS_MAX   18u

static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

struct field {
    const char *text;
    size_t size;
};

bool slurm_is_node_name(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && size < SLURM_NODE_SIZE && name[0] != '-' && name[strspn(name, name_characters)] == '\0';
}

/* The next line without its end. False at the end of the text. */
static bool next_line(struct cursor *text, struct field *ret_line)
{
    const uint8_t *bytes = text->data + text->offset, *end;
    size_t left = cursor_left(text), size;

    if (left == 0)
        return false;
    end = memchr(bytes, '\n', left);
    size = end != NULL ? (size_t)(end - bytes) : left;
    *ret_line = (struct field){(const char *)bytes, size};
    return cursor_skip(text, end != NULL ? size + 1 : size) == 0;
}

/* Exactly FIELDS of them; the last has the rest. */
static bool split(const struct field *line, struct field ret_fields[FIELDS])
{
    const char *at = line->text, *end = line->text + line->size;

    if (line->size > LINE_MAX_LEN)
        return false;
    for (unsigned i = 0; i < FIELDS; i++) {
        const char *bar = i + 1 < FIELDS ? memchr(at, '|', (size_t)(end - at)) : end;

        if (bar == NULL)
            return false;
        ret_fields[i] = (struct field){at, (size_t)(bar - at)};
        at = bar + 1;
    }
    return true;
}

static bool take_number(const struct field *field, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (field->size == 0 || field->size > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < field->size; i++) {
        if (field->text[i] < '0' || field->text[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(field->text[i] - '0');
    }
    *ret_number = number;
    return number <= max;
}

/* A word of names' characters that fits; "" where `optional`. */
static bool take_word(const struct field *field, bool optional, char *ret_word, size_t size)
{
    if (field->size >= size || (field->size == 0 && !optional))
        return false;
    memcpy(ret_word, field->text, field->size);
    ret_word[field->size] = '\0';
    return strlen(ret_word) == field->size && ret_word[strspn(ret_word, name_characters)] == '\0';
}

/* Text for people: what is not printable ASCII becomes '?', and it is cut. */
static void take_reason(const struct field *field, char ret_reason[SLURM_REASON_SIZE])
{
    size_t size = field->size < SLURM_REASON_SIZE ? field->size : SLURM_REASON_SIZE - 1;

    for (size_t i = 0; i < size; i++)
        ret_reason[i] = field->text[i] >= ' ' && field->text[i] <= '~' ? field->text[i] : '?';
    ret_reason[size] = '\0';
}

/* squeue(1), "JOB STATE CODES". A word that is not known here is no end. */
static enum slurm_stage stage_of(const char *state)
{
    static const char *const ended[] = {"COMPLETED",     "FAILED",   "CANCELLED", "TIMEOUT",
                                        "OUT_OF_MEMORY", "DEADLINE", "REVOKED",   NULL};
    static const char *const lost[] = {"NODE_FAIL", "BOOT_FAIL", "PREEMPTED", NULL};
    static const char *const running[] = {"RUNNING",   "COMPLETING", "SIGNALING", "STAGE_OUT",
                                          "SUSPENDED", "STOPPED",    "RESIZING",  NULL};

    for (unsigned i = 0; ended[i] != NULL; i++)
        if (strcmp(state, ended[i]) == 0)
            return SLURM_ENDED;
    for (unsigned i = 0; lost[i] != NULL; i++)
        if (strcmp(state, lost[i]) == 0)
            return SLURM_NODE_LOST;
    for (unsigned i = 0; running[i] != NULL; i++)
        if (strcmp(state, running[i]) == 0)
            return SLURM_RUNNING;
    return SLURM_WAITING;
}

int slurm_read_submitted(const void *text, size_t size, int64_t *ret_job)
{
    const char *bytes = text, *end = size > 0 ? memchr(text, '\n', size) : NULL;
    struct field number = {bytes, end != NULL ? (size_t)(end - bytes) : size};
    const char *semicolon = number.size > 0 ? memchr(bytes, ';', number.size) : NULL;
    uint64_t job;

    if (semicolon != NULL)
        number.size = (size_t)(semicolon - bytes);
    if (!take_number(&number, UINT32_MAX, &job) || job == 0)
        return -EBADMSG;
    *ret_job = (int64_t)job;
    return 0;
}

static bool read_task(const struct field *line, struct slurm_task *task)
{
    struct field fields[FIELDS];
    uint64_t number;

    if (!split(line, fields) || !take_word(&fields[0], false, task->name, sizeof task->name) ||
        !take_number(&fields[1], SLURM_TASKS_MAX - 1, &number) ||
        !take_word(&fields[2], false, task->state, sizeof task->state))
        return false;
    if (!take_word(&fields[3], true, task->node, sizeof task->node))
        task->node[0] = '\0'; /* a list of nodes is none of ours */
    take_reason(&fields[4], task->reason);
    task->task = (unsigned)number;
    task->stage = stage_of(task->state);
    return true;
}

int slurm_next_task(struct cursor *text, struct slurm_task *ret_task)
{
    struct field line;

    while (next_line(text, &line)) {
        struct slurm_task task = {0};

        if (read_task(&line, &task)) {
            *ret_task = task;
            return 1;
        }
    }
    return 0;
}

/* "gpu:2", "gpu:a100:4(S:0-1),mps:100": the GPUs of them. */
static uint64_t count_gpus(const struct field *gres)
{
    const char *at = gres->text, *end = gres->text + gres->size;
    uint64_t count = 0;

    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma != NULL ? comma : end;
        const char *paren = memchr(at, '(', (size_t)(stop - at)), *last = paren != NULL ? paren : stop, *digits = last;
        struct field number;
        uint64_t some = 0;

        while (digits > at && digits[-1] >= '0' && digits[-1] <= '9')
            digits--;
        number = (struct field){digits, (size_t)(last - digits)};
        if (stop - at > 4 && memcmp(at, "gpu:", 4) == 0 && digits > at && digits[-1] == ':' &&
            take_number(&number, SLURM_GPUS_MAX, &some))
            count += some;
        at = stop + 1;
    }
    return count < SLURM_GPUS_MAX ? count : SLURM_GPUS_MAX;
}

static bool read_node(const struct field *line, struct slurm_node *node)
{
    struct field fields[FIELDS];

    if (!split(line, fields) || !take_word(&fields[0], false, node->name, sizeof node->name) ||
        !slurm_is_node_name(node->name) || !take_number(&fields[1], UINT32_MAX, &node->cores) ||
        !take_number(&fields[2], UINT64_C(1) << 40, &node->memory_mib))
        return false;
    node->gpus = count_gpus(&fields[4]);
    return true;
}

int slurm_next_node(struct cursor *text, struct slurm_node *ret_node)
{
    struct field line;

    while (next_line(text, &line)) {
        struct slurm_node node = {0};

        if (read_node(&line, &node)) {
            *ret_node = node;
            return 1;
        }
    }
    return 0;
}
