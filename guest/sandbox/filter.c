/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp filters: of a worker, what computing threads need that already exist; of the supervisor, what it needs to
 * hear the host and to start, hear and end workers. Each allowed call stands with its reason beside the code that makes
 * it (rules.h).
 *
 * The default action is TRAP, so that the handler (trap.c) can report number and address; that holds for calls by
 * another architecture's entry too. No call of a worker opens, maps a file, creates a process or thread, or changes a
 * signal's handling: rt_sigaction is absent, so that the handlers stay.
 *
 * Filters are inherited, and a call must pass all of them: the supervisor's therefore lets through what its workers may
 * do as well, and what they do on their way to their own filter.
 */
#include "guest/sandbox/rules.h"

#include "guest/sandbox/internal.h"

#include <stdio.h>
#include <string.h>

static bool has_conditions(const struct rule *rule)
{
    return rule->conditions[0].mask != 0;
}

/* Whether another rule of the profiles allows the call whatever its arguments are, or is the same one. */
static bool is_covered(size_t index, unsigned profiles)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        const struct rule *other = &rules[i];

        if (i == index || (other->profile & profiles) == 0 || other->number != rules[index].number)
            continue;
        if (!has_conditions(other) && (has_conditions(&rules[index]) || i < index))
            return true;
        if (i < index && memcmp(other->conditions, rules[index].conditions, sizeof other->conditions) == 0)
            return true;
    }
    return false;
}

/*
 * The condition's value. A filter that workers inherit can't know their ids: they signal themselves by it, and what the
 * supervisor may signal is one of its own rules. There the condition is none.
 */
static struct rule_condition resolve(const struct rule_condition *condition, unsigned profiles, int scratch_fd)
{
    struct rule_condition resolved = *condition;

    if (condition->value == SCRATCH_FOLDER)
        resolved.value = (uint64_t)scratch_fd;
    else if (condition->value == OWN_PROCESS && (profiles & RULE_entry) != 0)
        resolved.mask = resolved.value = 0;
    else if (condition->value == OWN_PROCESS)
        resolved.value = (uint64_t)getpid();
    return resolved;
}

static bool needs_scratch(const struct rule *rule)
{
    for (unsigned i = 0; i < RULE_CONDITIONS_MAX; i++)
        if (rule->conditions[i].value == SCRATCH_FOLDER)
            return true;
    return false;
}

static int add_rule(scmp_filter_ctx filter, const struct rule *rule, unsigned profiles, int scratch_fd)
{
    uint32_t action = rule->error != 0 ? SCMP_ACT_ERRNO((unsigned)rule->error) : SCMP_ACT_ALLOW;
    struct scmp_arg_cmp compared[RULE_CONDITIONS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < RULE_CONDITIONS_MAX && rule->conditions[i].mask != 0; i++) {
        const struct rule_condition condition = resolve(&rule->conditions[i], profiles, scratch_fd);

        if (condition.mask != 0)
            compared[count++] = SCMP_CMP64(condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.value);
    }
    return seccomp_rule_add_array(filter, action, rule->number, count, compared);
}

int filter_install(unsigned profiles, int scratch_fd)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int r;

    if (filter == NULL)
        return -ENOMEM;
    r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
    for (size_t i = 0; r == 0 && i < RULE_COUNT; i++)
        if ((rules[i].profile & profiles) != 0 && !is_covered(i, profiles) &&
            !driver_covers(rules[i].number, profiles) &&
            (scratch_fd >= 0 || !needs_scratch(&rules[i])))
            r = add_rule(filter, &rules[i], profiles, scratch_fd);
    if (r == 0)
        r = driver_add_rules(filter, profiles);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

/* The entries of x86: each has numbers of its own. */
static uint32_t architecture_of(int32_t *number)
{
#if defined(__x86_64__)
    if ((*number & SANDBOX_CALL_X32) != 0 && *number >= 0) {
        *number &= ~SANDBOX_CALL_X32;
        return SCMP_ARCH_X32;
    }
    if ((*number & SANDBOX_CALL_32_BIT) != 0 && *number >= 0) {
        *number &= ~SANDBOX_CALL_32_BIT;
        return SCMP_ARCH_X86;
    }
#endif
    return seccomp_arch_native();
}

void sandbox_call_name(int32_t number, char ret_name[SANDBOX_CALL_NAME_MAX])
{
    uint32_t architecture = architecture_of(&number);
    CLEANUP_FREE char *name = seccomp_syscall_resolve_num_arch(architecture, number);
    const char *entry = "";

#if defined(__x86_64__)
    entry = architecture == SCMP_ARCH_X32 ? " (x32)" : architecture == SCMP_ARCH_X86 ? " (32-bit)" : "";
#endif
    (void)snprintf(ret_name, SANDBOX_CALL_NAME_MAX, "%.36s%s", name != NULL ? name : "unknown", entry);
}
