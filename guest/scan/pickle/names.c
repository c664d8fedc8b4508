/* SPDX-License-Identifier: Apache-2.0 */
/* The table of globals. */
#include "guest/scan/pickle/names.h"

#include <string.h>

struct name {
    uint32_t hash, next; /* next: of the same bucket, plus one */
    uint16_t module_size, name_size;
    uint8_t how, protocol;
    uint64_t offset; /* where it is named first */
    struct pickle_note note;
    char text[]; /* module, then name */
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
    memory_put(names->memory, names->buckets, names->room * sizeof *names->buckets);
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

static void chain(struct names *names, uint32_t number)
{
    struct name *name = names->names[number - 1];
    uint32_t *bucket = &names->buckets[(name->hash ^ name->hash >> 16) & (names->room - 1)];

    name->next = *bucket;
    *bucket = number;
}

static bool grow(struct names *names)
{
    uint32_t room = names->room > 0 ? names->room * 2 : 64;
    uint32_t *buckets = memory_get(names->memory, room * sizeof *buckets);
    struct name **grown =
        buckets != NULL ? memory_resize(names->memory, names->names, names->room * sizeof *grown, room * sizeof *grown)
                        : NULL;

    if (grown == NULL) {
        memory_put(names->memory, buckets, room * sizeof *buckets);
        return false;
    }
    memory_put(names->memory, names->buckets, names->room * sizeof *buckets);
    names->names = grown;
    names->buckets = buckets;
    names->room = room;
    memset(buckets, 0, room * sizeof *buckets);
    for (uint32_t number = 1; number <= names->count; number++)
        chain(names, number);
    return true;
}

static uint32_t find(const struct names *names, uint32_t hash, const struct pickle_global *global)
{
    uint32_t number = names->room > 0 ? names->buckets[(hash ^ hash >> 16) & (names->room - 1)] : 0;

    while (number != 0 && (names->names[number - 1]->hash != hash || !is_same(names->names[number - 1], global)))
        number = names->names[number - 1]->next;
    return number;
}

uint32_t names_add(struct names *names, const struct pickle_global *global)
{
    uint32_t hash = hash_text(2166136261u, global->module, global->module_size), number;
    struct name *name;

    hash = hash_text(hash * 31, global->name, global->name_size);
    number = find(names, hash, global);
    if (number != 0)
        return number;
    if (names->count == NAMES_MAX || (names->count == names->room && !grow(names)))
        return 0;
    name = memory_get(names->memory, sizeof *name + global->module_size + global->name_size);
    if (name == NULL)
        return 0;
    *name = (struct name){.hash = hash,
                          .module_size = (uint16_t)global->module_size,
                          .name_size = (uint16_t)global->name_size,
                          .how = (uint8_t)global->how,
                          .protocol = (uint8_t)global->protocol,
                          .offset = global->offset};
    memcpy(name->text, global->module, global->module_size);
    memcpy(name->text + global->module_size, global->name, global->name_size);
    names->names[names->count++] = name;
    chain(names, names->count);
    return names->count;
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
                                         .offset = name->offset,
                                         .note = names_note(names, (uint32_t)number)};
    return true;
}

struct pickle_note *names_note(const struct names *names, uint32_t number)
{
    return number > 0 ? &names->names[number - 1]->note : NULL;
}
