/*
 * value: see value.h.  cJSON is opaque above proto/, so a lone string goes by way of its
 * text, and an array of strings is read by a field table.
 */
#include <stdlib.h>
#include <string.h>

#include "client/value.h"
#include "proto/json.h"

struct cJSON *
value_string(const char *text)
{
	static const char before[] = "{\"s\":";
	struct cJSON *object = json_object(), *string;
	const char *why;
	char *printed;
	size_t skip = sizeof(before) - 1;

	json_set_string(object, "s", text);
	printed = json_print(object);
	string = json_parse(printed + skip, strlen(printed) - skip - 1, &why);
	free(printed);
	json_free(object);
	return string;
}

void
value_push_string(struct cJSON *object, const char *name, const char *text)
{
	struct cJSON *array = json_get(object, name);

	if (!array) {
		array = json_array();
		json_set(object, name, array);
	}
	json_push(array, value_string(text));
}

void
value_push_shell(struct cJSON *command, const char *text)
{
	value_push_string(command, "argv", "/bin/sh");
	value_push_string(command, "argv", "-c");
	value_push_string(command, "argv", text);
}

void
value_strings(const struct cJSON *object, const char *name, struct strings *ret)
{
	struct field table[] = {
		{ .name = name, .type = FIELD_STRINGS, .offset = 0 },
		{ .type = FIELD_END },
	};
	struct field_error error;

	memset(ret, 0, sizeof(*ret));
	/* What is not strings is taken as missing. */
	(void)fields_read_lax(object, table, ret, &error);
}

const char *
value_text(const struct cJSON *object, const char *name)
{
	const char *text = json_get_string(object, name);

	return text ? text : "";
}
