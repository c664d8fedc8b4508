/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pickle does, judged: the machine's events made findings.
 *
 * Theory of operation. globals.h says what a global is; here it is decided what becomes of it. An unknown class that is
 * only made (NEWOBJ) and filled (BUILD) is unknown: so are models of packages that no list knows. An unknown function
 * that is called (REDUCE, INST, OBJ) is a gadget: pickles of objects call the functions of a few well-known packages,
 * and those are listed. What is called may be hidden: functools.partial and the like are looked through, the result of
 * a call that is called again is dangerous, and so is a name that is computed.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_JUDGE_H
#define LAZARET_GUEST_SCAN_PICKLE_JUDGE_H

#include "guest/scan/pickle/machine.h"

#define JUDGE_RULES_MAX 32u
#define JUDGE_SEEN      1024u /* findings that are remembered, so that each is made once; a power of two */

extern const struct scan_rule judge_rules[];
extern const uint32_t judge_rule_count;

struct judge {
    struct scan *scan;
    const struct scan_object *object;
    uint64_t seen[JUDGE_SEEN];       /* what has been found already: a rule and a text, as a hash */
    uint64_t globals, calls;         /* seen so far */
    uint64_t dangerous;              /* findings that are high or more */
    uint64_t texts;                  /* handed on, of the whole object */
    uint64_t probes;                 /* places that were tried behind pickles */
    uint64_t items;                  /* arguments that were looked through */
    uint32_t tries[JUDGE_RULES_MAX]; /* findings by rule, those that were made before too */
    uint64_t unkept;                 /* globals without a note */
    uint64_t found;                  /* findings so far */
    uint64_t arrays;                 /* of joblib, whose bytes stand between opcodes */
    uint64_t storages, storages_end; /* PyTorch's, behind the last pickle: where they begin and end; 0: none */
    /* What the loader reads after a BUILD, if it does; NULL for an ordinary loader. */
    int (*built)(struct judge *judge, struct pickle_machine *machine, pickle_value target, uint64_t offset,
                 uint64_t *ret_skip, struct error *err);
    void *argument; /* of built */
    uint8_t *line;  /* room for a text with escapes; the judge's owner frees it */
};

/*
 * Executes the pickle at an offset of the object, both as loads from bytes and from files see it, and makes what it
 * does findings; what was not understood is a gap. The result is that of the load from bytes.
 */
MUST_USE int judge_pickle(struct judge *judge, uint64_t offset, struct pickle_result *ret_result, struct error *err);

#endif
