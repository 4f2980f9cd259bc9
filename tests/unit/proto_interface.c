/*
 * The interface file and the tables say the same: every field of a type, whether it may
 * be absent, its type and its words, and every error with its parameters.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/answers.h"
#include "proto/buf.h"
#include "proto/error.h"
#include "proto/mem.h"
#include "proto/notice.h"
#include "proto/types.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	const char		*name;
	const struct field	*table;
} types[] = {
	{ "CommandSpec", command_spec_fields },
	{ "HttpSpec", http_spec_fields },
	{ "TimerSpec", timer_spec_fields },
	{ "JobSpec", job_spec_fields },
	{ "Pinged", ping_fields },
	{ "Phases", phases_fields },
	{ "Attempt", attempt_info_fields },
	{ "Run", run_info_fields },
	{ "Job", job_info_fields },
	{ "Queue", queue_info_fields },
	{ "Event", event_info_fields },
	{ "Cause", cause_info_fields },
	{ "Notice", notice_info_fields },
	{ "Delivery", delivery_info_fields },
	{ "Target", target_info_fields },
	{ "Gap", gap_info_fields },
	{ "Phrase", phrase_info_fields },
};

/* The interface file without its comments and spaces. */
static int
interface_read(void **state)
{
	const char *root = getenv("JOBD_SOURCE");
	char *path = xasprintf("%s%sproto/io.jobd.varlink", root != NULL ? root : "",
	    root != NULL ? "/" : "");
	FILE *file = fopen(path, "re");
	struct buf b = { 0 };
	char line[1024];

	free(path);
	if (file == NULL)
		return -1;
	while (fgets(line, sizeof(line), file) != NULL) {
		for (const char *p = line; *p != '\0' && *p != '#'; p++) {
			if (!isspace((unsigned char)*p))
				buf_append(&b, p, 1);
		}
	}
	fclose(file);
	*state = buf_steal(&b);
	return 0;
}

static int
interface_free(void **state)
{
	free(*state);
	return 0;
}

/* What stands between the brackets after a heading like "typeRun("; for the caller to free. */
static char *
body_find(const char *interface, const char *heading)
{
	const char *from = strstr(interface, heading), *p;
	int depth = 1;

	if (from == NULL)
		fail_msg("not in the interface: %s", heading);
	from += strlen(heading);
	for (p = from; depth > 0; p++) {
		assert_int_not_equal(*p, '\0');
		depth += (*p == '(') - (*p == ')');
	}
	return xstrndup(from, (size_t)(p - 1 - from));
}

/* Cut the first "name:type" off the body. */
static bool
member_take(char **body, char **name, char **type)
{
	int depth = 0;
	char *p = *body;

	if (*p == '\0')
		return false;
	*name = p;
	p = strchr(p, ':');
	assert_non_null(p);
	*p++ = '\0';
	*type = p;
	for (; *p != '\0' && (*p != ',' || depth > 0); p++)
		depth += (*p == '(') - (*p == ')');
	*body = *p == '\0' ? p : p + 1;
	*p = '\0';
	return true;
}

static const char *
table_name(const struct field *table)
{
	for (size_t i = 0; i < LENGTH(types); i++) {
		if (types[i].table == table)
			return types[i].name;
	}
	fail_msg("a table without a type in the interface");
	return NULL;
}

/* The type as the interface must have it. */
static void
type_print(struct buf *out, const struct field *f)
{
	if ((f->flags & (FIELD_REQUIRED | FIELD_ALWAYS)) == 0)
		buf_puts(out, "?");
	switch (f->type) {
	case FIELD_BOOL:
		buf_puts(out, "bool");
		break;
	case FIELD_INT:
		buf_puts(out, "int");
		break;
	case FIELD_STRING:
	case FIELD_INSTANT:
		buf_puts(out, "string");
		break;
	case FIELD_ENUM:
		/* python-varlink cannot parse an enum of one word; a string may become an enum later. */
		if (f->names[1] == NULL) {
			buf_puts(out, "string");
			break;
		}
		for (int i = 0; f->names[i] != NULL; i++)
			buf_printf(out, "%s%s", i == 0 ? "(" : ",", f->names[i]);
		buf_puts(out, ")");
		break;
	case FIELD_STRINGS:
		buf_puts(out, "[]string");
		break;
	case FIELD_STRUCT:
		buf_puts(out, table_name(f->sub));
		break;
	case FIELD_STRUCTS:
		buf_printf(out, "[]%s", table_name(f->sub));
		break;
	case FIELD_JSON:
		buf_puts(out, "object");
		break;
	case FIELD_END:
		fail();
	}
}

static void
every_type_is_its_table(void **state)
{
	for (size_t i = 0; i < LENGTH(types); i++) {
		char *heading = xasprintf("type%s(", types[i].name);
		char *body = body_find(*state, heading), *rest = body, *name, *type;
		const struct field *f = types[i].table;

		for (; member_take(&rest, &name, &type); f++) {
			struct buf expected = { 0 };

			if (f->type == FIELD_END)
				fail_msg("%s.%s is not in the table", types[i].name, name);
			assert_string_equal(name, f->name);
			type_print(&expected, f);
			if (strcmp(type, buf_string(&expected)) != 0)
				fail_msg("%s.%s: %s in the interface, %s in the table",
				    types[i].name, name, type, buf_string(&expected));
			buf_done(&expected);
		}
		if (f->type != FIELD_END)
			fail_msg("%s.%s is not in the interface", types[i].name, f->name);
		free(body);
		free(heading);
	}
}

static void
every_error_is_its_row(void **state)
{
	int found = 0;

	for (const char *p = *state; (p = strstr(p, "error")) != NULL; p++)
		found += isupper((unsigned char)p[5]) != 0;
	for (int e = JOBD_OK + 1; e < JOBD_ERROR_COUNT; e++) {
		const struct error_row *row = error_row(e);
		const char *parameters[] = { row->parameter, row->parameter2 };
		char *heading, *body, *rest, *name, *type;
		size_t i = 0;

		if (strncmp(row->wire, "io.jobd.", 8) != 0)
			continue;
		found--;
		heading = xasprintf("error%s(", row->wire + 8);
		body = rest = body_find(*state, heading);
		for (; member_take(&rest, &name, &type); i++) {
			assert_true(i < LENGTH(parameters) && parameters[i] != NULL);
			assert_string_equal(name, parameters[i]);
			assert_string_equal(type, i == 1 && row->optional ? "?string" : "string");
		}
		assert_true(i == LENGTH(parameters) || parameters[i] == NULL);
		free(body);
		free(heading);
	}
	assert_int_equal(found, 0);
}

/* Types, methods and errors share one space of names: validate-idl of varlinkctl refuses others. */
static void
every_name_stands_once(void **state)
{
	char *name;

	for (size_t i = 0; i < LENGTH(types); i++) {
		name = xasprintf("method%s(", types[i].name);
		assert_null(strstr(*state, name));
		free(name);
		name = xasprintf("error%s(", types[i].name);
		assert_null(strstr(*state, name));
		free(name);
	}
}

/* fields.c can hold no more, and no row may be left half written. */
static void
every_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(types); i++) {
		const struct field *f = types[i].table;

		for (; f->type != FIELD_END; f++) {
			assert_non_null(f->name);
			assert_true(f->min <= f->max);
			assert_int_equal(f->names != NULL, f->type == FIELD_ENUM);
			assert_int_equal(f->sub != NULL,
			    f->type == FIELD_STRUCT || f->type == FIELD_STRUCTS);
			assert_int_equal(f->size != 0, f->sub != NULL);
			for (const struct field *g = types[i].table; g != f; g++) {
				assert_string_not_equal(g->name, f->name);
				assert_int_not_equal(g->offset, f->offset);
			}
		}
		assert_true(f - types[i].table <= 64);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_its_table),
		cmocka_unit_test(every_error_is_its_row),
		cmocka_unit_test(every_name_stands_once),
		cmocka_unit_test(every_row_is_whole),
	};

	return cmocka_run_group_tests_name("interface", tests, interface_read, interface_free);
}
