/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster's nodes. */
#include "host/farm/slurm/nodes.h"

#include "host/crypto/key.h"
#include "host/farm/folder.h"
#include "host/farm/job_line.h"
#include "host/farm/slurm/tool.h"
#include "host/job/locate.h"
#include "host/policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FOLDER_NODES "nodes"

struct known_policy {
    char *path;
    struct keyring *ring; /* NULL: --node-keys serves */
    unsigned deadline_seconds;
    bool ledger_required;
};

struct nodes {
    const struct slurm_options *options;
    const char *folder;
    struct keyring *ring; /* --node-keys, or NULL */
    struct gpu_map *gpus; /* --node-gpus, or NULL */
    unsigned policy_count;
    struct known_policy policies[NODES_POLICIES_MAX];
    size_t count;
    struct slurm_node list[JOURNAL_NODES_MAX];
    size_t standing_count;
    struct node_row standings[JOURNAL_NODES_MAX];
};

static unsigned count_node_keys(const struct keyring *ring)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ring->count; i++)
        count += (ring->keys[i].use & KEYRING_NODE) != 0;
    return count;
}

static int make_folder(const char *folder, struct error *err)
{
    char path[PATH_MAX];
    int r = folder_path(folder, FOLDER_NODES, path, err);

    if (r == 0 && mkdir(path, 0755) < 0 && errno != EEXIST)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't be made: %s", path, strerror(errno));
    return r;
}

static int load_ring(struct nodes *nodes, const char *path, struct error *err)
{
    int r;

    if (path == NULL)
        return 0;
    nodes->ring = calloc(1, sizeof *nodes->ring);
    if (nodes->ring == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the keys");
    r = keyring_load(path, nodes->ring, err);
    if (r == 0 && count_node_keys(nodes->ring) == 0)
        r = error_set(err, ERROR_BAD_INPUT, -ENOKEY, "%s: names no key with use: [node]", path);
    return r;
}

int nodes_new(const struct slurm_options *options, const char *folder, struct nodes **ret_nodes, struct error *err)
{
    struct nodes *nodes = calloc(1, sizeof *nodes);
    int r;

    if (nodes == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the nodes");
    nodes->options = options;
    nodes->folder = folder;
    r = make_folder(folder, err);
    if (r == 0)
        r = load_ring(nodes, options->node_keys, err);
    if (r == 0 && options->node_gpus != NULL)
        r = gpu_map_load(options->node_gpus, &nodes->gpus, err);
    if (r < 0)
        nodes_free(nodes);
    else
        *ret_nodes = nodes;
    return r;
}

void nodes_free(struct nodes *nodes)
{
    for (unsigned i = 0; nodes != NULL && i < nodes->policy_count; i++) {
        free(nodes->policies[i].path);
        free(nodes->policies[i].ring);
    }
    if (nodes != NULL) {
        free(nodes->ring);
        gpu_map_free(nodes->gpus);
    }
    free(nodes);
}

/* --- which there are --------------------------------------------------------------------------------------------- */

/* A node is in the list once for each of its partitions. */
static bool is_listed(const struct nodes *nodes, const char *name)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (strcmp(nodes->list[i].name, name) == 0)
            return true;
    return false;
}

int nodes_read_standings(struct nodes *nodes, struct database *database, struct error *err)
{
    return journal_list_nodes(database, nodes->standings, JOURNAL_NODES_MAX, &nodes->standing_count, err);
}

int nodes_refresh(struct nodes *nodes, struct database *database, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(SLURM_TOOL_OUTPUT_MAX);
    const char *argv[] = {"sinfo", "-h", "-N", "-o", SLURM_SINFO_FORMAT, NULL, NULL, NULL};
    struct slurm_node node;
    struct cursor cursor;
    int r;

    if (nodes->options->partition != NULL) {
        argv[5] = "-p";
        argv[6] = nodes->options->partition;
    }
    r = slurm_tool_run(argv, "", 0, &text, err);
    if (r < 0)
        return r;
    cursor = cursor_over(text.data, text.size);
    nodes->count = 0;
    while (nodes->count < JOURNAL_NODES_MAX && slurm_next_node(&cursor, &node) == 1)
        if (!is_listed(nodes, node.name))
            nodes->list[nodes->count++] = node;
    if (nodes->count == 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENODEV, "sinfo: names no node%s%s",
                         nodes->options->partition != NULL ? " of partition " : "",
                         nodes->options->partition != NULL ? nodes->options->partition : "");
    return nodes_read_standings(nodes, database, err);
}

const struct gpu_map *nodes_gpu_map(const struct nodes *nodes)
{
    return nodes->gpus;
}

enum node_standing nodes_standing(const struct nodes *nodes, const char *name)
{
    for (size_t i = 0; i < nodes->standing_count; i++)
        if (strcmp(nodes->standings[i].name, name) == 0)
            return nodes->standings[i].standing;
    return NODE_TRUSTED;
}

/* --- whom a policy names ----------------------------------------------------------------------------------------- */

static int resolve(const json_t *description, char ret_path[PATH_MAX], struct error *err)
{
    const char *name = json_string_value(json_object_get(description, "policy"));
    const char *folder = json_string_value(json_object_get(description, JOB_FOLDER));
    char path[PATH_MAX];
    int r = locate_policy(name != NULL ? name : "low", path, err);

    if (r < 0)
        return r;
    if ((size_t)snprintf(ret_path, PATH_MAX, "%s%s%s", path[0] == '/' || folder == NULL ? "" : folder,
                         path[0] == '/' || folder == NULL ? "" : "/", path) >= PATH_MAX)
        return error_set(err, ERROR_BAD_INPUT, -ENAMETOOLONG, "%.64s…: the path is too long", path);
    return 0;
}

static int read_policy(struct nodes *nodes, const char *path, struct known_policy *known, struct error *err)
{
    CLEANUP_FREE struct policy *policy = calloc(1, sizeof *policy);
    int r = policy == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a policy")
                           : policy_load(path, policy, err);

    if (r < 0)
        return r;
    if (nodes->ring == NULL && count_node_keys(&policy->keyring) == 0)
        return error_set(err, ERROR_BAD_INPUT, -ENOKEY,
                         "%s: names no key with use: [node], so that no node can be believed; name them there or with "
                         "--node-keys (docs/slurm.md)",
                         path);
    known->deadline_seconds = policy->deadline_seconds;
    known->ledger_required = policy->ledger_required;
    if (nodes->ring == NULL) {
        known->ring = malloc(sizeof *known->ring);
        if (known->ring == NULL)
            return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the keys");
        *known->ring = policy->keyring;
    }
    known->path = strdup(path);
    if (known->path == NULL) {
        free(known->ring);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a policy");
    }
    return 0;
}

int nodes_find_policy(struct nodes *nodes, const json_t *description, struct nodes_policy *ret_policy,
                      struct error *err)
{
    struct known_policy *known = NULL;
    char path[PATH_MAX];
    int r = resolve(description, path, err);

    for (unsigned i = 0; r == 0 && i < nodes->policy_count; i++)
        if (strcmp(nodes->policies[i].path, path) == 0)
            known = &nodes->policies[i];
    if (r == 0 && known == NULL) {
        if (nodes->policy_count == NODES_POLICIES_MAX)
            return error_set(err, ERROR_BAD_INPUT, -E2BIG, "%s: more than %u policies in one farm", path,
                             NODES_POLICIES_MAX);
        known = &nodes->policies[nodes->policy_count];
        r = read_policy(nodes, path, known, err);
        nodes->policy_count += r == 0;
    }
    if (r == 0)
        *ret_policy = (struct nodes_policy){.ring = known->ring != NULL ? known->ring : nodes->ring,
                                            .deadline_seconds = known->deadline_seconds,
                                            .ledger_required = known->ledger_required};
    return r;
}

/* --- who may take an order --------------------------------------------------------------------------------------- */

void nodes_avoid_add(struct nodes_avoid *avoid, const char *name)
{
    if (avoid->count < NODES_AVOID_MAX && name[0] != '\0')
        (void)snprintf(avoid->names[avoid->count++], SLURM_NODE_SIZE, "%s", name);
}

/* Of a node whose GPUs are other ones in the map than in Slurm, nobody knows which Slurm means. */
static uint64_t known_gpus(const struct nodes *nodes, const struct slurm_node *node)
{
    return nodes->gpus != NULL && gpu_map_count(nodes->gpus, node->name) == node->gpus ? node->gpus : 0;
}

static bool may_take(const struct nodes *nodes, const struct nodes_policy *policy, const struct nodes_avoid *avoid,
                     const struct slurm_node *node)
{
    const char *name = node->name;
    const struct keyring_key *key = keyring_find_name(policy->ring, name);

    if (key == NULL || (key->use & KEYRING_NODE) == 0 || keyring_judge(key, (int64_t)time(NULL)) != KEYRING_VALID ||
        nodes_standing(nodes, name) > (avoid->suspects_too ? NODE_SUSPECT : NODE_TRUSTED))
        return false;
    if (avoid->with_gpu && known_gpus(nodes, node) == 0)
        return false;
    for (size_t i = 0; i < avoid->count; i++)
        if (strcmp(avoid->names[i], name) == 0)
            return false;
    return true;
}

static void raise_to(uint64_t *most, uint64_t value)
{
    *most = value > *most ? value : *most;
}

void nodes_count_left(const struct nodes *nodes, const struct nodes_policy *policy, const struct nodes_avoid *avoid,
                      struct nodes_left *ret_left)
{
    struct nodes_left left = {0};

    for (size_t i = 0; i < nodes->count; i++)
        if (may_take(nodes, policy, avoid, &nodes->list[i])) {
            left.count++;
            raise_to(&left.cores, nodes->list[i].cores);
            raise_to(&left.memory_mib, nodes->list[i].memory_mib);
            raise_to(&left.gpus, known_gpus(nodes, &nodes->list[i]));
        }
    *ret_left = left;
}

int nodes_list_excluded(const struct nodes *nodes, const struct nodes_policy *policy, const struct nodes_avoid *avoid,
                        struct buffer *ret_list)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < nodes->count; i++)
        if (!may_take(nodes, policy, avoid, &nodes->list[i]))
            r = buffer_append_format(ret_list, "%s%s", ret_list->size == 0 ? "" : ",", nodes->list[i].name);
    return r;
}

/* --- keys -------------------------------------------------------------------------------------------------------- */

static int write_key(const char *folder, const struct keyring_key *key, const char *name, struct error *err)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL;
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    CLEANUP_FOLDER_FILE struct folder_file file = {0};
    int r = keyring_open(key, &public, err);

    if (r == 0)
        r = crypto_public_key_write_pem(public, &pem, err);
    if (r == 0)
        r = folder_file_begin(folder, name, &file, err);
    if (r < 0)
        return r;
    (void)fwrite(pem.data, 1, pem.size, file.stream);
    return folder_file_commit(&file, err);
}

int nodes_key_file(const struct nodes *nodes, const struct nodes_policy *policy, const char *name,
                   char ret_path[PATH_MAX], struct error *err)
{
    const struct keyring_key *key = keyring_find_name(policy->ring, name);
    char folder[PATH_MAX], file[SLURM_NODE_SIZE + 16];
    enum keyring_standing standing;
    int r;

    if (key == NULL || (key->use & KEYRING_NODE) == 0)
        return error_set(err, ERROR_MISMATCH, -ENOKEY, "node %s is not named with a key", name);
    standing = keyring_judge(key, (int64_t)time(NULL));
    if (standing != KEYRING_VALID)
        return error_set(err, ERROR_MISMATCH, -EKEYEXPIRED, "the key of node %s is %s", name,
                         keyring_standing_names[standing]);
    (void)snprintf(file, sizeof file, "%s.pub.pem", name);
    r = folder_path(nodes->folder, FOLDER_NODES, folder, err);
    if (r == 0)
        r = write_key(folder, key, file, err);
    return r < 0 ? r : folder_path(folder, file, ret_path, err);
}
