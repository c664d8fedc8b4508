/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes' GPUs by their PCI addresses. */
#include "host/farm/slurm/gpu_map.h"

#include "base/file.h"
#include "host/json/field.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORD_SIZE 64u /* of a line, with its NUL: a node's name is the longest */

struct node_gpus {
    char name[SLURM_NODE_SIZE];
    unsigned count;
    struct pci_address gpus[GPU_MAP_GPUS_MAX];
};

struct gpu_map {
    size_t count;
    struct node_gpus nodes[GPU_MAP_NODES_MAX];
};

/* --- reading ----------------------------------------------------------------------------------------------------- */

struct place {
    const char *name;
    unsigned line;
};

static int refuse(const struct place *place, const char *what, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: line %u: %s", place->name, place->line, what);
}

/* Skips blanks, and a comment to the line's end. Whether the line goes on. */
static bool find_word(struct cursor *text)
{
    bool comment = false;

    while (cursor_left(text) > 0 && text->data[text->offset] != '\n') {
        uint8_t c = text->data[text->offset];

        comment |= c == '#';
        if (!comment && c != ' ' && c != '\t' && c != '\r')
            return true;
        if (cursor_skip(text, 1) < 0)
            return false;
    }
    return false;
}

/* -EMSGSIZE, -EBADMSG: what no name and no address is. */
static int read_word(struct cursor *text, char ret_word[WORD_SIZE])
{
    size_t size = 0;

    for (; cursor_left(text) > 0; size++) {
        uint8_t c = text->data[text->offset];

        if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#')
            break;
        if (c < ' ' || c > '~')
            return -EBADMSG;
        if (size + 1 == WORD_SIZE)
            return -EMSGSIZE;
        ret_word[size] = (char)c;
        if (cursor_skip(text, 1) < 0)
            return -EBADMSG;
    }
    ret_word[size] = '\0';
    return 0;
}

static const struct node_gpus *find(const struct gpu_map *map, const char *name)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->nodes[i].name, name) == 0)
            return &map->nodes[i];
    return NULL;
}

static int add_gpu(struct node_gpus *node, const char *word, const struct place *place, struct error *err)
{
    struct pci_address address;

    if (pci_address_parse(word, &address) < 0)
        return refuse(place, "a GPU's PCI address expected, as 0000:3b:00.0", err);
    if (node->count == GPU_MAP_GPUS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -E2BIG, "%s: line %u: more than %u GPUs of a node", place->name,
                         place->line, GPU_MAP_GPUS_MAX);
    for (unsigned i = 0; i < node->count; i++)
        if (pci_address_same_device(&node->gpus[i], &address))
            return refuse(place, "one GPU twice", err);
    node->gpus[node->count++] = address;
    return 0;
}

static int read_name(struct gpu_map *map, struct cursor *text, struct node_gpus *node, const struct place *place,
                     struct error *err)
{
    char word[WORD_SIZE];

    if (read_word(text, word) < 0 || (strcmp(word, GPU_MAP_REST) != 0 && !slurm_is_node_name(word)))
        return refuse(place, "a node's name expected, as sinfo -N has it, or *", err);
    if (find(map, word) != NULL)
        return refuse(place, "this node has a line already", err);
    if (map->count == GPU_MAP_NODES_MAX)
        return error_set(err, ERROR_BAD_INPUT, -E2BIG, "%s: line %u: more than %u nodes", place->name, place->line,
                         GPU_MAP_NODES_MAX - 1);
    (void)snprintf(node->name, sizeof node->name, "%s", word);
    return 0;
}

static int read_line(struct gpu_map *map, struct cursor *text, const struct place *place, struct error *err)
{
    struct node_gpus node = {0};
    char word[WORD_SIZE];
    int r;

    if (!find_word(text))
        return 0;
    r = read_name(map, text, &node, place, err);
    while (r == 0 && find_word(text))
        r = read_word(text, word) < 0 ? refuse(place, "a GPU's PCI address expected, as 0000:3b:00.0", err)
                                      : add_gpu(&node, word, place, err);
    if (r == 0 && node.count == 0)
        r = refuse(place, "the node's GPUs are missing", err);
    if (r == 0)
        map->nodes[map->count++] = node;
    return r;
}

int gpu_map_parse(const void *text, size_t size, const char *name, struct gpu_map **ret_map, struct error *err)
{
    struct cursor cursor = cursor_over(text, size);
    struct gpu_map *map = calloc(1, sizeof *map);
    struct place place = {.name = name, .line = 1};
    int r = map == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to read it", name) : 0;

    for (; r == 0 && cursor_left(&cursor) > 0; place.line++) {
        r = read_line(map, &cursor, &place, err);
        if (r == 0 && cursor_left(&cursor) > 0)
            r = cursor_skip(&cursor, 1); /* the line's end */
    }
    if (r == 0 && map->count == 0)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: names no node's GPUs", name);
    if (r < 0)
        gpu_map_free(map);
    else
        *ret_map = map;
    return r;
}

int gpu_map_load(const char *path, struct gpu_map **ret_map, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(GPU_MAP_SIZE_MAX);
    int r = file_read_bounded(path, &text, err);

    return r < 0 ? r : gpu_map_parse(text.data, text.size, path, ret_map, err);
}

void gpu_map_free(struct gpu_map *map)
{
    free(map);
}

unsigned gpu_map_count(const struct gpu_map *map, const char *node)
{
    const struct node_gpus *found = find(map, node);

    if (found == NULL)
        found = find(map, GPU_MAP_REST);
    return found != NULL ? found->count : 0;
}

/* --- in orders --------------------------------------------------------------------------------------------------- */

json_t *gpu_map_json(const struct gpu_map *map)
{
    json_t *object = json_object();
    int r = object == NULL ? -1 : 0;

    for (size_t i = 0; r == 0 && i < map->count; i++) {
        const struct node_gpus *node = &map->nodes[i];
        json_t *list = json_array();

        for (unsigned k = 0; r == 0 && k < node->count; k++) {
            char address[PCI_ADDRESS_SIZE];

            pci_address_format(&node->gpus[k], address);
            r = json_array_append_new(list, json_string(address));
        }
        if (json_object_set_new(object, node->name, list) < 0)
            r = -1;
    }
    if (r == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* One index and nothing else: a job asks for one GPU. */
static int read_index(const char *said, unsigned *ret_index)
{
    size_t size = said != NULL ? strlen(said) : 0;

    if (size == 0 || size > 2 || strspn(said, "0123456789") != size)
        return -EBADMSG;
    *ret_index = (unsigned)strtoul(said, NULL, 10);
    return 0;
}

int gpu_map_find(const json_t *map, const char *node, const char *said, char ret_address[PCI_ADDRESS_SIZE],
                 struct error *err)
{
    const char *name = json_object_get(map, node) != NULL ? node : GPU_MAP_REST, *text;
    struct pci_address address;
    json_t *list;
    unsigned index;
    int r = 0;

    if (json_object_get(map, name) == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENODEV, "--node-gpus names no GPU of this node");
    r = field_array(map, "gpus", name, &list, err);
    if (r < 0)
        return r;
    if (read_index(said, &index) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                         "Slurm did not say which GPU this is: SLURM_JOB_GPUS is %s, and one index is expected",
                         said == NULL ? "not set" : "another thing");
    if (index >= json_array_size(list))
        return error_set(err, ERROR_UNAVAILABLE, -ENODEV,
                         "Slurm gave GPU %u, and --node-gpus names %zu of this node: its lines are in the order of "
                         "gres.conf's devices",
                         index, json_array_size(list));
    text = json_string_value(json_array_get(list, index));
    if (text == NULL || pci_address_parse(text, &address) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "gpus.%s[%u]: a PCI address expected", name, index);
    pci_address_format(&address, ret_address);
    return 0;
}
