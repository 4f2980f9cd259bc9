/*
 * fields: a C struct <-> a JSON object, by a table with one row per field.  The same
 * row reads, writes, frees, and names the field in errors, so that a parameter is
 * declared in one place.
 */
#ifndef PROTO_FIELDS_H
#define PROTO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"

struct cJSON;

enum field_type {
	FIELD_END,		/* the last row of a table */
	FIELD_BOOL,		/* bool */
	FIELD_INT,		/* int64_t or usec_t; min and max hold unless both are 0 */
	FIELD_STRING,		/* char *, owned; max in bytes (0: STRING_BYTES_MAX) */
	FIELD_ENUM,		/* int; names is the table of words */
	FIELD_INSTANT,		/* instant; 0 is absent; RFC 3339 UTC on the wire */
	FIELD_STRINGS,		/* struct strings; max in elements (0: STRINGS_MAX) */
	FIELD_STRUCT,		/* pointer to a struct of its own, NULL when absent; sub, size */
	FIELD_STRUCTS,		/* struct structs; sub, size; max as for strings */
	FIELD_JSON,		/* struct cJSON *, owned, whatever it is */
};

enum field_flags {
	FIELD_REQUIRED = 1,	/* reading: must be there; writing: written even when zero */
	FIELD_ALWAYS = 2,	/* writing: written even when zero; reading: optional */
	FIELD_READ_ONLY = 4,	/* fields_read() refuses it as unknown (server to client only) */
	FIELD_ABSENT_MINUS_ONE = 8, /* FIELD_INT, FIELD_ENUM: -1 is absent, 0 a value; both ways */
};

#define STRING_BYTES_MAX	((int64_t)256 * 1024)
#define STRINGS_MAX		4096

/* Owned strings. */
struct strings {
	char	**items;
	size_t	  n;
};

/* Owned structs, each an allocation of its own. */
struct structs {
	void	**items;
	size_t	  n;
};

struct field {
	const char		*name;	/* on the wire: camelCase */
	enum field_type		 type;
	size_t			 offset;
	unsigned		 flags;
	int64_t			 min, max;
	const char *const	*names;	/* FIELD_ENUM: words by value, NULL-ended */
	const struct field	*sub;	/* FIELD_STRUCT(S) */
	size_t			 size;	/* FIELD_STRUCT(S): sizeof the struct */
};

/* Where reading failed, and why.  path is like "jobs[3].command.argv[0]". */
/* A word that is no value of an enum is told back up to this length. */
#define WORD_TOLD_MAX 40

struct field_error {
	enum jobd_error	why;		/* JOBD_INVALID_PARAMETER or JOBD_INVALID_FIELD */
	char		path[128];
	char		reason[288];
};

/*
 * Read an object into a zeroed struct.  A missing required field, a wrong type or an
 * unknown member is JOBD_INVALID_PARAMETER with the path; a value out of its limits
 * or an unknown word is JOBD_INVALID_FIELD with a reason.  null is the same as
 * absent.  Numbers must be whole and less than 2^53 either way (2^53 itself may be a
 * greater number rounded).  On failure what was read is
 * freed and the struct is zero again.
 */
enum jobd_error fields_read(const struct cJSON *object, const struct field *table, void *out,
    struct field_error *error);

/*
 * As fields_read(), for replies: members that the table does not know are passed over,
 * limits do not hold, and a word that the table does not know becomes -1, so print
 * enums of replies with field_enum_word().
 */
enum jobd_error fields_read_lax(const struct cJSON *object, const struct field *table, void *out,
    struct field_error *error);

/* A new object with the struct's fields; the caller owns it. */
struct cJSON *fields_write(const struct field *table, const void *in);

/* Free what the fields own; the struct is zero for these fields afterwards. */
void fields_done(const struct field *table, void *s);

/* The value of a word in an enum table, or -1; the word of a value, or "unknown". */
int field_enum_find(const char *const *names, const char *word);
const char *field_enum_word(const char *const *names, int value);

void strings_add(struct strings *s, const char *text);
void strings_done(struct strings *s);
bool strings_same(const struct strings *a, const struct strings *b);

#endif
