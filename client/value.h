/*
 * value: strings inside JSON arrays, which proto/json.h has no words for.
 */
#ifndef CLIENT_VALUE_H
#define CLIENT_VALUE_H

#include "proto/fields.h"

struct cJSON;

/* A JSON string.  The text is valid UTF-8. */
struct cJSON *value_string(const char *text);

/* Append a string to the array that the object has under this name; made when missing. */
void value_push_string(struct cJSON *object, const char *name, const char *text);

/* Have the command, an object with argv, run this text by the shell. */
void value_push_shell(struct cJSON *command, const char *text);

/* The strings of such an array, none when it is missing; the caller calls strings_done(). */
void value_strings(const struct cJSON *object, const char *name, struct strings *ret);

/* A string for a sentence: "" when it is missing.  Borrowed. */
const char *value_text(const struct cJSON *object, const char *name);

#endif
