/*
 * json: the door for JSON.  cJSON alone is not enough there: it accepts invalid
 * UTF-8, duplicate keys, text after the value, and escaped NULs.
 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include <stddef.h>

struct cJSON;
struct buf;

#define JSON_DEPTH_MAX		32
#define JSON_MEMBERS_MAX	4096	/* in one object */
#define JSON_NUMBER_MAX		60	/* characters of one number */
#define JSON_VALUES_MAX		((size_t)1 << 17)	/* in one message; one costs 64 bytes */

/*
 * Parse one message strictly: valid UTF-8, within the limits above, no duplicate keys,
 * no \u0000, no NUL, numbers as RFC 8259 has them, nothing after it but space.
 * Returns the value, or NULL with a reason in words (a constant) at *why.  The caller
 * frees it with cJSON_Delete() (json_free() where cJSON is opaque).
 */
struct cJSON *json_parse(const char *text, size_t length, const char **why);

/* cJSON_Delete() for floors that do not know cJSON; NULL is fine. */
void json_free(struct cJSON *value);

/*
 * Printed without spaces, whole numbers within +-2^53 as integers; the caller frees.
 * What is printed is always valid: bytes that are not UTF-8 become U+FFFD.
 */
char *json_print(const struct cJSON *value);

/* The same, appended to out; and a string alone, quoted and escaped. */
void json_print_to(struct buf *out, const struct cJSON *value);
void json_print_string(struct buf *out, const char *s);

/*
 * Building blocks for floors that hold cJSON as an opaque value.  json_set() and
 * json_push() take value over; NULL sets nothing.  json_set_int() prints every long
 * long exactly.  json_at() walks: use json_first() and json_next() in loops.
 */
struct cJSON *json_object(void);
struct cJSON *json_array(void);
struct cJSON *json_string(const char *s);
struct cJSON *json_int(long long value);
void json_set(struct cJSON *object, const char *name, struct cJSON *value);
void json_set_string(struct cJSON *object, const char *name, const char *value);
void json_set_int(struct cJSON *object, const char *name, long long value);
void json_set_bool(struct cJSON *object, const char *name, int value);
void json_set_double(struct cJSON *object, const char *name, double value);
void json_push(struct cJSON *array, struct cJSON *value);
void json_remove(struct cJSON *object, const char *name);

/* The string that a value is, borrowed; "" for any other. */
const char *json_text(const struct cJSON *value);
/* The name of an object's member; NULL for what is none. */
const char *json_name(const struct cJSON *value);

/* What is in there, borrowed, or NULL; or otherwise when it is absent or of another type. */
struct cJSON *json_get(const struct cJSON *object, const char *name);
const char *json_get_string(const struct cJSON *object, const char *name);
long long json_get_int(const struct cJSON *object, const char *name, long long otherwise);
int json_get_bool(const struct cJSON *object, const char *name, int otherwise);
size_t json_count(const struct cJSON *array);
struct cJSON *json_at(const struct cJSON *array, size_t i);
struct cJSON *json_first(const struct cJSON *array_or_object);
struct cJSON *json_next(const struct cJSON *value);

/* Does text hold valid UTF-8 (RFC 3629) without NUL? */
int utf8_valid(const char *text, size_t length);

/* Base64 (RFC 4648, padded) as an allocated C string; and back (0 or -EINVAL, *ret allocated). */
char *base64_encode(const void *bytes, size_t n);
int base64_decode(const char *text, void **ret, size_t *ret_n);

#endif
