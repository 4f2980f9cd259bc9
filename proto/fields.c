/*
 * fields: see fields.h.  Reading walks the object and the table together; where it
 * stands is a chain of places on the C stack, which becomes a text only in an error.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "proto/fields.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/when.h"

/* A double holds every whole number below this, and no two of them look alike. */
#define WHOLE_BELOW	9007199254740992.0

/* Where reading stands: a member, or an element of one. */
struct place {
	const struct place	*up;
	const char		*name;
	long			 index;		/* -1: the member itself */
};

struct reader {
	bool			 lax;
	struct field_error	*error;		/* or NULL */
};

static enum jobd_error value_read(struct reader *r, const struct place *at, const struct field *f,
    const cJSON *value, void *out);

/* The text of a place; what does not fit is cut off.  Returns the length so far. */
static size_t
place_print(const struct place *at, char *out, size_t size)
{
	size_t n = at->up != NULL ? place_print(at->up, out, size) : 0;
	int r;

	if (n >= size)
		return n;
	if (at->index >= 0)
		r = snprintf(out + n, size - n, "[%ld]", at->index);
	else
		r = snprintf(out + n, size - n, "%s%s", n > 0 ? "." : "", at->name);
	return n + (size_t)(r > 0 ? r : 0);
}

static enum jobd_error __attribute__((format(printf, 4, 5)))
refuse(struct reader *r, const struct place *at, enum jobd_error why, const char *format, ...)
{
	va_list ap;

	if (r->error == NULL)
		return why;
	r->error->why = why;
	(void)place_print(at, r->error->path, sizeof(r->error->path));
	va_start(ap, format);
	(void)vsnprintf(r->error->reason, sizeof(r->error->reason), format, ap);
	va_end(ap);
	return why;
}

static bool
is_duration(const struct field *f)
{
	size_t n = strlen(f->name);

	return n > 4 && strcmp(f->name + n - 4, "USec") == 0;
}

static enum jobd_error
int_read(struct reader *r, const struct place *at, const struct field *f, const cJSON *value,
    int64_t *out)
{
	double d = value->valuedouble;
	char low[WHEN_TEXT_MAX], high[WHEN_TEXT_MAX];

	if (!cJSON_IsNumber(value))
		return refuse(r, at, JOBD_INVALID_PARAMETER, "must be a number");
	if (!(d > -WHOLE_BELOW && d < WHOLE_BELOW))
		return refuse(r, at, JOBD_INVALID_FIELD, "must be less than 2^53 either way");
	*out = (int64_t)d;
	if ((double)*out != d)
		return refuse(r, at, JOBD_INVALID_PARAMETER, "must be a whole number");
	if (r->lax || (f->min == 0 && f->max == 0) || (*out >= f->min && *out <= f->max))
		return JOBD_OK;
	if (is_duration(f))
		return refuse(r, at, JOBD_INVALID_FIELD, "must be from %s to %s",
		    duration_print(f->min, low), duration_print(f->max, high));
	return refuse(r, at, JOBD_INVALID_FIELD, "must be from %lld to %lld", (long long)f->min,
	    (long long)f->max);
}

static enum jobd_error
string_read(struct reader *r, const struct place *at, int64_t max, const cJSON *value, char **out)
{
	if (!cJSON_IsString(value))
		return refuse(r, at, JOBD_INVALID_PARAMETER, "must be a string");
	if (max == 0)
		max = STRING_BYTES_MAX;
	if (!r->lax && strlen(value->valuestring) > (size_t)max)
		return refuse(r, at, JOBD_INVALID_FIELD, "must not be longer than %lld bytes",
		    (long long)max);
	*out = xstrdup(value->valuestring);
	return JOBD_OK;
}

static enum jobd_error
enum_read(struct reader *r, const struct place *at, const struct field *f, const cJSON *value,
    int *out)
{
	char words[sizeof(((struct field_error *)0)->reason)] = "";
	size_t n = 0;

	if (!cJSON_IsString(value))
		return refuse(r, at, JOBD_INVALID_PARAMETER, "must be a word");
	*out = field_enum_find(f->names, value->valuestring);
	if (*out >= 0 || r->lax)
		return JOBD_OK;
	for (int i = 0; f->names[i] != NULL && n < sizeof(words); i++)
		n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s", i > 0 ? ", " : "",
		    f->names[i]);
	/* Cut, it might not be UTF-8 any more. */
	if (strlen(value->valuestring) > WORD_TOLD_MAX)
		return refuse(r, at, JOBD_INVALID_FIELD, "must be one of %s", words);
	return refuse(r, at, JOBD_INVALID_FIELD, "\"%s\" is none of %s", value->valuestring,
	    words);
}

static enum jobd_error
instant_read(struct reader *r, const struct place *at, const cJSON *value, instant *out)
{
	if (!cJSON_IsString(value))
		return refuse(r, at, JOBD_INVALID_PARAMETER, "must be a string");
	if (instant_parse(value->valuestring, out) < 0)
		return refuse(r, at, JOBD_INVALID_FIELD,
		    "must be an instant like 2026-11-22T10:00:00Z or 2026-11-22T10:00:00+01:00");
	/* 0 stands for absent in memory, so nobody may ask for it. */
	if (!r->lax && !instant_is_set(*out))
		return refuse(r, at, JOBD_INVALID_FIELD, "must be after 1970-01-01T00:00:00Z");
	return JOBD_OK;
}

/* Is it an array of at most as many elements as the row allows? */
static enum jobd_error
array_check(struct reader *r, const struct place *at, const struct field *f, const cJSON *value)
{
	int64_t max = f->max != 0 ? f->max : STRINGS_MAX;

	if (!cJSON_IsArray(value))
		return refuse(r, at, JOBD_INVALID_PARAMETER, "must be an array");
	if (!r->lax && cJSON_GetArraySize(value) > max)
		return refuse(r, at, JOBD_INVALID_FIELD, "must not have more than %lld elements",
		    (long long)max);
	return JOBD_OK;
}

static enum jobd_error
strings_read(struct reader *r, const struct place *at, const struct field *f, const cJSON *value,
    struct strings *out)
{
	struct place element = { .up = at };
	enum jobd_error e = array_check(r, at, f, value);
	const cJSON *v;
	int n;

	if (e != JOBD_OK)
		return e;
	n = cJSON_GetArraySize(value);
	if (n == 0)
		return JOBD_OK;
	out->items = xcalloc((size_t)n, sizeof(*out->items));
	cJSON_ArrayForEach(v, value) {
		e = string_read(r, &element, 0, v, &out->items[out->n]);
		if (e != JOBD_OK)
			return e;
		out->n++;
		element.index++;
	}
	return JOBD_OK;
}

/* The table's rows out of the object. */
static enum jobd_error
object_read(struct reader *r, const struct place *at, const struct field *table,
    const cJSON *object, void *out)
{
	struct place member = { .up = at, .index = -1 };
	const struct field *f;
	const cJSON *value;
	uint64_t seen = 0;
	enum jobd_error e;

	for (f = table; f->type != FIELD_END; f++) {
		if (f->flags & FIELD_ABSENT_MINUS_ONE) {
			if (f->type == FIELD_INT)
				*(int64_t *)((char *)out + f->offset) = -1;
			else
				*(int *)((char *)out + f->offset) = -1;
		}
	}
	cJSON_ArrayForEach(value, object) {
		member.name = value->string;
		for (f = table; f->type != FIELD_END; f++) {
			if (strcmp(f->name, value->string) == 0)
				break;
		}
		if (f->type == FIELD_END || (!r->lax && (f->flags & FIELD_READ_ONLY) != 0)) {
			if (r->lax)
				continue;
			return refuse(r, &member, JOBD_INVALID_PARAMETER, "is not known");
		}
		/* Twice is impossible behind json_parse(), and would leak behind anything else. */
		if (cJSON_IsNull(value) || (seen & (uint64_t)1 << (f - table)) != 0)
			continue;
		seen |= (uint64_t)1 << (f - table);
		e = value_read(r, &member, f, value, (char *)out + f->offset);
		if (e != JOBD_OK)
			return e;
	}
	for (f = table; f->type != FIELD_END; f++) {
		if ((f->flags & FIELD_REQUIRED) == 0 || (seen & (uint64_t)1 << (f - table)) != 0)
			continue;
		member.name = f->name;
		return refuse(r, &member, JOBD_INVALID_PARAMETER, "is missing");
	}
	return JOBD_OK;
}

/* A struct of its own allocation, hung up before it is read, so that it is freed if that fails. */
static enum jobd_error
struct_read(struct reader *r, const struct place *at, const struct field *f, const cJSON *value,
    void **out)
{
	if (!cJSON_IsObject(value))
		return refuse(r, at, JOBD_INVALID_PARAMETER, "must be an object");
	*out = xcalloc(1, f->size);
	return object_read(r, at, f->sub, value, *out);
}

static enum jobd_error
structs_read(struct reader *r, const struct place *at, const struct field *f, const cJSON *value,
    struct structs *out)
{
	struct place element = { .up = at };
	enum jobd_error e = array_check(r, at, f, value);
	const cJSON *v;
	int n;

	if (e != JOBD_OK)
		return e;
	n = cJSON_GetArraySize(value);
	if (n == 0)
		return JOBD_OK;
	out->items = xcalloc((size_t)n, sizeof(*out->items));
	out->n = (size_t)n;	/* the rest is NULL, which freeing passes over */
	cJSON_ArrayForEach(v, value) {
		e = struct_read(r, &element, f, v, &out->items[element.index]);
		if (e != JOBD_OK)
			return e;
		element.index++;
	}
	return JOBD_OK;
}

static enum jobd_error
value_read(struct reader *r, const struct place *at, const struct field *f, const cJSON *value,
    void *out)
{
	switch (f->type) {
	case FIELD_BOOL:
		if (!cJSON_IsBool(value))
			return refuse(r, at, JOBD_INVALID_PARAMETER, "must be true or false");
		*(bool *)out = cJSON_IsTrue(value);
		return JOBD_OK;
	case FIELD_INT:
		return int_read(r, at, f, value, out);
	case FIELD_STRING:
		return string_read(r, at, f->max, value, out);
	case FIELD_ENUM:
		return enum_read(r, at, f, value, out);
	case FIELD_INSTANT:
		return instant_read(r, at, value, out);
	case FIELD_STRINGS:
		return strings_read(r, at, f, value, out);
	case FIELD_STRUCT:
		return struct_read(r, at, f, value, out);
	case FIELD_STRUCTS:
		return structs_read(r, at, f, value, out);
	case FIELD_JSON:
		*(cJSON **)out = cJSON_Duplicate(value, true);
		return JOBD_OK;
	case FIELD_END:
		break;
	}
	abort();	/* a row without a type */
}

static enum jobd_error
fields_read_as(bool lax, const cJSON *object, const struct field *table, void *out,
    struct field_error *error)
{
	struct reader r = { .lax = lax, .error = error };
	static const struct place nowhere = { .name = "", .index = -1 };
	enum jobd_error e;

	if (error != NULL)
		*error = (struct field_error){ 0 };
	if (!cJSON_IsObject(object))
		return refuse(&r, &nowhere, JOBD_INVALID_PARAMETER, "must be an object");
	e = object_read(&r, NULL, table, object, out);
	if (e != JOBD_OK)
		fields_done(table, out);
	return e;
}

enum jobd_error
fields_read(const struct cJSON *object, const struct field *table, void *out,
    struct field_error *error)
{
	return fields_read_as(false, object, table, out, error);
}

enum jobd_error
fields_read_lax(const struct cJSON *object, const struct field *table, void *out,
    struct field_error *error)
{
	return fields_read_as(true, object, table, out, error);
}

static cJSON *
strings_write(const struct strings *s)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < s->n; i++)
		json_push(array, cJSON_CreateString(s->items[i]));
	return array;
}

static cJSON *
structs_write(const struct field *f, const struct structs *s)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < s->n; i++)
		json_push(array, fields_write(f->sub, s->items[i]));
	return array;
}

/* Is the value what stands for absent? */
static bool
value_absent(const struct field *f, const void *in)
{
	int64_t none = (f->flags & FIELD_ABSENT_MINUS_ONE) != 0 ? -1 : 0;

	switch (f->type) {
	case FIELD_BOOL:
		return !*(const bool *)in;
	case FIELD_INT:
		return *(const int64_t *)in == none;
	case FIELD_ENUM:
		return *(const int *)in == none;
	case FIELD_INSTANT:
		return !instant_is_set(*(const instant *)in);
	case FIELD_STRINGS:
		return ((const struct strings *)in)->n == 0;
	case FIELD_STRUCTS:
		return ((const struct structs *)in)->n == 0;
	case FIELD_STRING:
	case FIELD_STRUCT:
	case FIELD_JSON:
		return *(void *const *)in == NULL;
	case FIELD_END:
		break;
	}
	abort();	/* a row without a type */
}

/* The value as JSON; NULL when it has no word or is a pointer to nothing. */
static cJSON *
value_write(const struct field *f, const void *in)
{
	char text[WHEN_TEXT_MAX];
	const void *p;

	switch (f->type) {
	case FIELD_BOOL:
		return cJSON_CreateBool(*(const bool *)in);
	case FIELD_INT:
		return json_int(*(const int64_t *)in);
	case FIELD_ENUM:
		return cJSON_CreateString(field_enum_word(f->names, *(const int *)in));
	case FIELD_INSTANT:
		return cJSON_CreateString(instant_print(*(const instant *)in, text));
	case FIELD_STRINGS:
		return strings_write(in);
	case FIELD_STRUCTS:
		return structs_write(f, in);
	case FIELD_STRING:
		p = *(char *const *)in;
		return cJSON_CreateString(p != NULL ? p : "");
	case FIELD_STRUCT:
		p = *(void *const *)in;
		return p != NULL ? fields_write(f->sub, p) : NULL;
	case FIELD_JSON:
		return cJSON_Duplicate(*(cJSON *const *)in, true);
	case FIELD_END:
		break;
	}
	abort();	/* a row without a type */
}

struct cJSON *
fields_write(const struct field *table, const void *in)
{
	cJSON *object = cJSON_CreateObject(), *value;
	const struct field *f;

	for (f = table; f->type != FIELD_END; f++) {
		const void *from = (const char *)in + f->offset;

		if ((f->flags & (FIELD_REQUIRED | FIELD_ALWAYS)) == 0 && value_absent(f, from))
			continue;
		value = value_write(f, from);
		/* The names are constants of the tables and need no copy. */
		if (value != NULL)
			cJSON_AddItemToObjectCS(object, f->name, value);
	}
	return object;
}

static void
struct_done(const struct field *f, void *s)
{
	if (s == NULL)
		return;
	fields_done(f->sub, s);
	free(s);
}

static void
value_done(const struct field *f, void *value)
{
	struct structs *s;

	switch (f->type) {
	case FIELD_BOOL:
		*(bool *)value = false;
		break;
	case FIELD_INT:
		*(int64_t *)value = 0;
		break;
	case FIELD_ENUM:
		*(int *)value = 0;
		break;
	case FIELD_INSTANT:
		*(instant *)value = (instant){ 0 };
		break;
	case FIELD_STRING:
		free(*(char **)value);
		*(char **)value = NULL;
		break;
	case FIELD_STRINGS:
		strings_done(value);
		break;
	case FIELD_STRUCT:
		struct_done(f, *(void **)value);
		*(void **)value = NULL;
		break;
	case FIELD_STRUCTS:
		s = value;
		for (size_t i = 0; i < s->n; i++)
			struct_done(f, s->items[i]);
		free(s->items);
		*s = (struct structs){ 0 };
		break;
	case FIELD_JSON:
		cJSON_Delete(*(cJSON **)value);
		*(cJSON **)value = NULL;
		break;
	case FIELD_END:
		break;
	}
}

void
fields_done(const struct field *table, void *s)
{
	for (const struct field *f = table; f->type != FIELD_END; f++)
		value_done(f, (char *)s + f->offset);
}

int
field_enum_find(const char *const *names, const char *word)
{
	for (int i = 0; names[i] != NULL; i++) {
		if (strcmp(names[i], word) == 0)
			return i;
	}
	return -1;
}

const char *
field_enum_word(const char *const *names, int value)
{
	int i = 0;

	if (value < 0)
		return "unknown";
	while (i < value && names[i] != NULL)
		i++;
	return names[i] != NULL ? names[i] : "unknown";
}

void
strings_add(struct strings *s, const char *text)
{
	/* The items may be anyone's, so there is no spare room to rely on. */
	s->items = xrealloc(s->items, (s->n + 1) * sizeof(*s->items));
	s->items[s->n++] = xstrdup(text);
}

void
strings_done(struct strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i]);
	free(s->items);
	*s = (struct strings){ 0 };
}

bool
strings_same(const struct strings *a, const struct strings *b)
{
	bool all = a->n == b->n;

	for (size_t i = 0; all && i < a->n; i++)
		all = strcmp(a->items[i], b->items[i]) == 0;
	return all;
}
