/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading YAML. Theory of operation: libyaml alone walks over the text first and refuses what needs
 * no schema to be wrong; then libcyaml builds the structures. libcyaml says why it refuses a text
 * only through its log, so the first reason and the first place of its backtrace are kept from there.
 */
#include "host/yaml/load.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define LOG_LINE_MAX 160u

struct load_log {
    char reason[LOG_LINE_MAX];
    unsigned line; /* 0: not known */
};

static int refuse(struct error *err, const char *name, unsigned long line, const char *reason)
{
    return line > 0 ? error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: near line %lu: %s", name, line, reason)
                    : error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s", name, reason);
}

/* --- what is wrong without a schema -------------------------------------------------------------- */

struct survey {
    unsigned documents, depth, events;
};

/* Why this event may not be there, or NULL. */
static const char *survey_event(const yaml_event_t *event, struct survey *survey)
{
    if (++survey->events > YAML_EVENTS_MAX)
        return "too many entries";
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++survey->documents > 1 ? "a second document; leave one" : NULL;
    case YAML_ALIAS_EVENT:
        return "an alias; write the value out";
    case YAML_SCALAR_EVENT:
        if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL)
            return "a NUL character";
        return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL ? "an anchor or a tag" : NULL;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL)
            return "an anchor or a tag";
        return ++survey->depth > YAML_DEPTH_MAX ? "nested too deep" : NULL;
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL)
            return "an anchor or a tag";
        return ++survey->depth > YAML_DEPTH_MAX ? "nested too deep" : NULL;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        survey->depth--;
        return NULL;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return NULL;
}

static int survey_all(yaml_parser_t *parser, const char *name, struct error *err)
{
    struct survey survey = {0};
    bool ended = false;

    while (!ended) {
        yaml_event_t event;
        const char *reason;
        unsigned long line;

        if (!yaml_parser_parse(parser, &event))
            return refuse(err, name, parser->problem_mark.line + 1,
                          parser->problem != NULL ? parser->problem : "not YAML");
        reason = survey_event(&event, &survey);
        line = event.start_mark.line + 1;
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (reason != NULL)
            return refuse(err, name, line, reason);
    }
    return survey.documents == 1 ? 0 : refuse(err, name, 0, "an empty file");
}

static int survey_text(const void *text, size_t size, const char *name, struct error *err)
{
    yaml_parser_t parser;
    int r;

    if (!yaml_parser_initialize(&parser))
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to read it", name);
    yaml_parser_set_input_string(&parser, text, size);
    r = survey_all(&parser, name, err);
    yaml_parser_delete(&parser);
    return r;
}

/* --- libcyaml ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 0))) static void keep_line(cyaml_log_t level, void *context, const char *format,
                                                            va_list arguments)
{
    struct load_log *log = context;
    char line[LOG_LINE_MAX];
    const char *text = line, *place;

    if (level < CYAML_LOG_ERROR || vsnprintf(line, sizeof line, format, arguments) < 0)
        return;
    line[strcspn(line, "\n")] = '\0';
    place = strstr(line, "(line: ");
    if (place != NULL && log->line == 0)
        (void)sscanf(place, "(line: %u", &log->line);
    if (strncmp(line, "Load: ", 6) == 0)
        text += 6;
    if (place != NULL || log->reason[0] != '\0' || strncmp(text, "Backtrace", 9) == 0)
        return;
    for (size_t i = 0; text[i] != '\0'; i++) /* the file's own bytes may be in it */
        log->reason[i] = text[i] >= 0x20 && text[i] <= 0x7e ? text[i] : '?';
}

static cyaml_config_t configuration(struct load_log *log)
{
    return (cyaml_config_t){.log_fn = keep_line,
                            .log_ctx = log,
                            .mem_fn = cyaml_mem,
                            .log_level = CYAML_LOG_ERROR,
                            .flags = CYAML_CFG_NO_ALIAS};
}

int strict_yaml_load(const void *text, size_t size, const char *name, const cyaml_schema_value_t *schema,
                     cyaml_data_t **ret_data, struct error *err)
{
    struct load_log log = {0};
    const cyaml_config_t config = configuration(&log);
    cyaml_data_t *data = NULL;
    cyaml_err_t code;
    int r = size > 0 ? survey_text(text, size, name, err) : refuse(err, name, 0, "an empty file"); /* maybe NULL */

    if (r < 0)
        return r;
    code = cyaml_load_data(text, size, &config, schema, &data, NULL);
    if (code == CYAML_ERR_OOM)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to read it", name);
    if (code != CYAML_OK || data == NULL)
        return refuse(err, name, log.line, log.reason[0] != '\0' ? log.reason : cyaml_strerror(code));
    *ret_data = data;
    return 0;
}

void strict_yaml_free(const cyaml_schema_value_t *schema, cyaml_data_t *data)
{
    struct load_log log = {0};
    const cyaml_config_t config = configuration(&log);

    if (data != NULL)
        (void)cyaml_free(&config, schema, data, 0);
}
