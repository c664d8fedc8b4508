/* SPDX-License-Identifier: Apache-2.0 */
/* The table of globals. */
#include "guest/scan/pickle/names.h"

#include <string.h>

struct name {
    uint32_t next; /* of the same bucket, plus one */
    uint16_t module_size, name_size;
    uint8_t how, protocol;
    uint64_t offset; /* where it is named first */
    char text[];     /* module, then name */
};

void names_init(struct names *names, struct pickle_memory *memory)
{
    *names = (struct names){.memory = memory};
}

static size_t size_of(const struct name *name)
{
    return sizeof *name + name->module_size + name->name_size;
}

void names_free(struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++)
        memory_put(names->memory, names->names[i], size_of(names->names[i]));
    memory_put(names->memory, names->names, names->room * sizeof *names->names);
}

/* FNV-1a. */
static uint32_t hash_text(uint32_t hash, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    return hash;
}

static bool is_same(const struct name *name, const struct pickle_global *global)
{
    return name->module_size == global->module_size && name->name_size == global->name_size &&
           name->how == (uint8_t)global->how && name->protocol == (uint8_t)global->protocol &&
           memcmp(name->text, global->module, global->module_size) == 0 &&
           memcmp(name->text + name->module_size, global->name, global->name_size) == 0;
}

static bool grow(struct names *names)
{
    uint32_t room = names->room > 0 ? names->room * 2 : 64;
    struct name **grown = memory_resize(names->memory, names->names, names->room * sizeof *grown, room * sizeof *grown);

    if (grown == NULL)
        return false;
    names->names = grown;
    names->room = room;
    return true;
}

uint32_t names_add(struct names *names, const struct pickle_global *global)
{
    uint32_t hash = hash_text(2166136261u, global->module, global->module_size), *bucket;
    struct name *name;

    hash = hash_text(hash * 31, global->name, global->name_size);
    bucket = &names->buckets[(hash ^ hash >> 16) & (NAMES_BUCKETS - 1)];
    for (uint32_t number = *bucket; number != 0; number = names->names[number - 1]->next)
        if (is_same(names->names[number - 1], global))
            return number;
    if (names->count == NAMES_MAX || (names->count == names->room && !grow(names)))
        return 0;
    name = memory_get(names->memory, sizeof *name + global->module_size + global->name_size);
    if (name == NULL)
        return 0;
    *name = (struct name){.next = *bucket,
                          .module_size = (uint16_t)global->module_size,
                          .name_size = (uint16_t)global->name_size,
                          .how = (uint8_t)global->how,
                          .protocol = (uint8_t)global->protocol,
                          .offset = global->offset};
    memcpy(name->text, global->module, global->module_size);
    memcpy(name->text + global->module_size, global->name, global->name_size);
    names->names[names->count] = name;
    *bucket = ++names->count;
    return *bucket;
}

bool names_get(const struct names *names, uint64_t number, struct pickle_global *ret_global)
{
    const struct name *name;

    if (number == 0 || number > names->count)
        return false;
    name = names->names[number - 1];
    *ret_global = (struct pickle_global){.how = (enum pickle_how)name->how,
                                         .protocol = name->protocol,
                                         .module = name->text,
                                         .name = name->text + name->module_size,
                                         .module_size = name->module_size,
                                         .name_size = name->name_size,
                                         .offset = name->offset};
    return true;
}
