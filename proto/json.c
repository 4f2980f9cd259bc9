/*
 * json: see json.h.  A text is first judged by a small checker that builds nothing,
 * and only what is strictly RFC 8259 (and within our limits) reaches cJSON.  Printing
 * is our own, straight into a buf: cJSON would print big whole numbers as 1.5e+15.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "proto/buf.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Objects with no more members than this are searched for duplicates pair by pair. */
#define PAIRWISE_MAX	12

/* Below this, every whole double is that number and no other. */
#define WHOLE_BELOW	9007199254740992LL

/* The greatest finite double. */
#define FINITE_MAX	1.7976931348623157e308

/* The greatest power of ten that a number may have; a double ends at 1.8e308. */
#define POWER_MAX	307

/* A member's name, its escapes resolved. */
struct key {
	const char	*bytes;		/* the text's, or the checker's keys */
	uint32_t	 length;
	uint32_t	 hash;
};

struct checker {
	const char	*p, *end;
	const char	*why;		/* set when a check fails */
	int		 depth;
	struct key	*stack;		/* names of all objects that are open */
	size_t		 n, size;
	char		*keys;		/* names that had escapes; never moves */
	size_t		 keys_used;
	size_t		 length;
	size_t		 values;	/* so far */
};

static bool check_value(struct checker *c);

/* cJSON must not see an allocation fail: it would take that for a bad text. */
static void __attribute__((constructor))
json_init(void)
{
	cJSON_Hooks hooks = { .malloc_fn = xmalloc, .free_fn = free };

	cJSON_InitHooks(&hooks);
}

static bool
refuse(struct checker *c, const char *why)
{
	c->why = why;
	return false;
}

/*
 * The length of the UTF-8 sequence at p (RFC 3629: shortest form, no surrogates, up to
 * U+10FFFF), or 0.
 */
static size_t
utf8_length(const unsigned char *p, size_t left)
{
	unsigned low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

int
utf8_valid(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = 0, n;

	while (i < length) {
		n = utf8_length(p + i, length - i);
		if (n == 0 || p[i] == '\0')
			return 0;
		i += n;
	}
	return 1;
}

static void
check_space(struct checker *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

/* The next character, if it is c. */
static bool
check_char(struct checker *c, char wanted)
{
	if (c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

/* Four hex digits. */
static int
check_hex(struct checker *c)
{
	int value = 0;

	if (c->end - c->p < 4)
		return -1;
	for (int i = 0; i < 4; i++, c->p++) {
		char ch = *c->p;

		if (ch >= '0' && ch <= '9')
			value = value * 16 + (ch - '0');
		else if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f')
			value = value * 16 + ((ch | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* What follows \u: a character that is not NUL, surrogates in pairs; or -1. */
static int32_t
check_unicode(struct checker *c)
{
	int high = check_hex(c), low;

	if (high < 0)
		refuse(c, "bad \\u escape in the JSON");
	else if (high == 0)
		refuse(c, "\\u0000 in the JSON");
	else if (high < 0xd800 || high > 0xdfff)
		return high;
	else if (high > 0xdbff || !check_char(c, '\\') || !check_char(c, 'u') ||
	    (low = check_hex(c)) < 0xdc00 || low > 0xdfff)
		refuse(c, "half a surrogate pair in the JSON");
	else
		return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	return -1;
}

/* Append a character to the keys. */
static void
key_put(struct checker *c, int32_t u)
{
	char *to = c->keys + c->keys_used;

	if (u < 0x80) {
		*to++ = (char)u;
	} else if (u < 0x800) {
		*to++ = (char)(0xc0 | u >> 6);
		*to++ = (char)(0x80 | (u & 0x3f));
	} else if (u < 0x10000) {
		*to++ = (char)(0xe0 | u >> 12);
		*to++ = (char)(0x80 | (u >> 6 & 0x3f));
		*to++ = (char)(0x80 | (u & 0x3f));
	} else {
		*to++ = (char)(0xf0 | u >> 18);
		*to++ = (char)(0x80 | (u >> 12 & 0x3f));
		*to++ = (char)(0x80 | (u >> 6 & 0x3f));
		*to++ = (char)(0x80 | (u & 0x3f));
	}
	c->keys_used = (size_t)(to - c->keys);
}

/* After a backslash: the character that is meant, or -1. */
static int32_t
check_escape(struct checker *c)
{
	char ch = c->p < c->end ? *c->p++ : '\0';

	switch (ch) {
	case '"':
	case '\\':
	case '/':
		return ch;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'u':
		return check_unicode(c);
	default:
		refuse(c, "bad escape in the JSON");
		return -1;
	}
}

/* Over the characters of a string up to its quote or an escape.  Most of a message is this. */
static bool
check_plain(struct checker *c)
{
	const unsigned char *p = (const unsigned char *)c->p;
	const unsigned char *end = (const unsigned char *)c->end;
	size_t n;

	while (p < end && *p != '"' && *p != '\\') {
		if (*p < 0x20)
			return refuse(c, "control character in a string of the JSON");
		n = utf8_length(p, (size_t)(end - p));
		if (n == 0)
			return refuse(c, "the message is not valid UTF-8");
		p += n;
	}
	c->p = (const char *)p;
	return p < end || refuse(c, "the JSON ends within a string");
}

/* A string; where it stands is at its opening quote.  key, when given, gets its content. */
static bool
check_string(struct checker *c, struct key *key)
{
	const char *from;
	size_t keys_from = c->keys_used;
	int32_t u;

	c->p++;
	for (from = c->p; ; from = c->p) {
		if (!check_plain(c))
			return false;
		if (key != NULL && *c->p == '"' && c->keys_used == keys_from) {
			key->bytes = from;	/* no escape: the name stands in the text */
			key->length = (uint32_t)(c->p - from);
		} else if (key != NULL) {
			if (c->keys == NULL)
				c->keys = xmalloc(c->length);	/* enough for all */
			memcpy(c->keys + c->keys_used, from, (size_t)(c->p - from));
			c->keys_used += (size_t)(c->p - from);
			key->bytes = c->keys + keys_from;
			key->length = (uint32_t)(c->keys_used - keys_from);
		}
		if (*c->p++ == '"')
			return true;
		u = check_escape(c);
		if (u < 0)
			return false;
		if (key != NULL)
			key_put(c, u);
	}
}

/* Digits; how many. */
static int
check_digits(struct checker *c)
{
	const char *from = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return (int)(c->p - from);
}

/* RFC 8259: no plus, no leading zero, digits on both sides of the point; not beyond a double. */
static bool
check_number(struct checker *c)
{
	static const char bad[] = "bad number in the JSON";
	const char *from = c->p, *e;
	int whole, power = 0;
	bool negative;

	if (*from != '-' && (*from < '0' || *from > '9'))
		return refuse(c, "a value is missing in the JSON");
	(void)check_char(c, '-');
	if (check_char(c, '0'))
		whole = 0;
	else if ((whole = check_digits(c)) == 0)
		return refuse(c, bad);
	if (check_char(c, '.') && check_digits(c) == 0)
		return refuse(c, bad);
	if (check_char(c, 'e') || check_char(c, 'E')) {
		negative = check_char(c, '-');
		if (!negative)
			(void)check_char(c, '+');
		e = c->p;
		if (check_digits(c) == 0)
			return refuse(c, bad);
		for (; e < c->p && power <= POWER_MAX; e++)
			power = power * 10 + (*e - '0');
		if (negative)
			power = -power;
	}
	if (c->p - from > JSON_NUMBER_MAX || whole + power > POWER_MAX)
		return refuse(c, "number too long in the JSON");
	return true;
}

static bool
key_same(const struct key *a, const struct key *b)
{
	return a->hash == b->hash && a->length == b->length &&
	    memcmp(a->bytes, b->bytes, a->length) == 0;
}

static int
key_compare(const void *va, const void *vb)
{
	const struct key *a = va, *b = vb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a->length);
}

/* Are all names different?  Sorting keeps it from being a square for an object made to hurt. */
static bool
keys_unique(struct key *keys, size_t n)
{
	if (n <= PAIRWISE_MAX) {
		for (size_t i = 1; i < n; i++) {
			for (size_t j = 0; j < i; j++) {
				if (key_same(&keys[i], &keys[j]))
					return false;
			}
		}
		return true;
	}
	qsort(keys, n, sizeof(*keys), key_compare);
	for (size_t i = 1; i < n; i++) {
		if (key_same(&keys[i - 1], &keys[i]))
			return false;
	}
	return true;
}

/* A member's name, kept until its object is closed. */
static bool
check_key(struct checker *c)
{
	struct key key = { 0 };
	uint32_t hash = 2166136261u;

	if (c->p == c->end || *c->p != '"')
		return refuse(c, "a name is missing in an object of the JSON");
	if (!check_string(c, &key))
		return false;
	for (uint32_t i = 0; i < key.length; i++)
		hash = (hash ^ (unsigned char)key.bytes[i]) * 16777619u;
	key.hash = hash;
	if (c->n == c->size) {
		c->size = c->size == 0 ? 64 : c->size * 2;
		c->stack = xrealloc(c->stack, c->size * sizeof(*c->stack));
	}
	c->stack[c->n++] = key;
	return true;
}

static bool
check_object(struct checker *c)
{
	size_t base = c->n;

	c->p++;
	check_space(c);
	if (check_char(c, '}'))
		return true;
	do {
		check_space(c);
		if (c->n - base == JSON_MEMBERS_MAX)
			return refuse(c, "too many members in an object of the JSON");
		if (!check_key(c))
			return false;
		check_space(c);
		if (!check_char(c, ':'))
			return refuse(c, "a colon is missing in an object of the JSON");
		if (!check_value(c))
			return false;
	} while (check_char(c, ','));
	if (!check_char(c, '}'))
		return refuse(c, "an object of the JSON does not end");
	if (!keys_unique(c->stack + base, c->n - base))
		return refuse(c, "a name stands twice in an object of the JSON");
	c->n = base;
	return true;
}

static bool
check_array(struct checker *c)
{
	c->p++;
	check_space(c);
	if (check_char(c, ']'))
		return true;
	do {
		if (!check_value(c))
			return false;
	} while (check_char(c, ','));
	return check_char(c, ']') || refuse(c, "an array of the JSON does not end");
}

static bool
check_word(struct checker *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return refuse(c, "unknown word in the JSON");
	c->p += n;
	return true;
}

/* One value with the space around it. */
static bool
check_value(struct checker *c)
{
	bool good;

	check_space(c);
	if (c->p == c->end)
		return refuse(c, "the JSON ends too early");
	if (++c->values > JSON_VALUES_MAX)
		return refuse(c, "too many values in the JSON");
	if (++c->depth > JSON_DEPTH_MAX)
		return refuse(c, "the JSON is nested too deeply");
	switch (*c->p) {
	case '{':
		good = check_object(c);
		break;
	case '[':
		good = check_array(c);
		break;
	case '"':
		good = check_string(c, NULL);
		break;
	case 't':
		good = check_word(c, "true");
		break;
	case 'f':
		good = check_word(c, "false");
		break;
	case 'n':
		good = check_word(c, "null");
		break;
	default:
		good = check_number(c);
		break;
	}
	c->depth--;
	check_space(c);
	return good;
}

struct cJSON *
json_parse(const char *text, size_t length, const char **why)
{
	struct checker c = { .p = text, .end = text + length, .length = length };
	cJSON *value = NULL;

	if (length > UINT32_MAX)
		refuse(&c, "the JSON is too long");
	else if (check_value(&c) && c.p < c.end)
		refuse(&c, "something follows the JSON");
	free(c.stack);
	free(c.keys);
	if (c.why == NULL) {
		value = cJSON_ParseWithLength(text, length);
		if (value == NULL)
			c.why = "the JSON cannot be read";
	}
	if (value == NULL && why != NULL)
		*why = c.why;
	return value;
}

void
json_free(struct cJSON *value)
{
	cJSON_Delete(value);
}

/* The character at p, escaped, or U+FFFD for a byte that is no UTF-8.  Returns how far it goes. */
static size_t
escape_print(struct buf *out, const unsigned char *p, size_t left)
{
	size_t n;

	switch (*p) {
	case '"':
		buf_append(out, "\\\"", 2);
		return 1;
	case '\\':
		buf_append(out, "\\\\", 2);
		return 1;
	case '\n':
		buf_append(out, "\\n", 2);
		return 1;
	case '\r':
		buf_append(out, "\\r", 2);
		return 1;
	case '\t':
		buf_append(out, "\\t", 2);
		return 1;
	default:
		break;
	}
	if (*p < 0x20) {
		buf_printf(out, "\\u%04x", *p);
		return 1;
	}
	n = utf8_length(p, left);
	if (n == 0) {
		buf_append(out, "\xef\xbf\xbd", 3);
		return 1;
	}
	buf_append(out, p, n);
	return n;
}

void
json_print_string(struct buf *out, const char *s)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + strlen(s), *from;

	buf_append(out, "\"", 1);
	while (p < end) {
		for (from = p; *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\'; p++)
			;
		buf_append(out, from, (size_t)(p - from));
		if (p < end)
			p += escape_print(out, p, (size_t)(end - p));
	}
	buf_append(out, "\"", 1);
}

/* A whole number, without the detour over printf. */
static void
int_print(struct buf *out, long long value)
{
	char text[24], *p = text + sizeof(text);
	unsigned long long left = (unsigned long long)value;

	if (value < 0)
		left = 0 - left;
	do {
		*--p = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		*--p = '-';
	buf_append(out, p, (size_t)(text + sizeof(text) - p));
}

/* Is it a whole number that is itself?  False for NaN. */
static bool
is_whole(double d)
{
	return d > -(double)WHOLE_BELOW && d < (double)WHOLE_BELOW && (double)(long long)d == d;
}

static void
number_print(struct buf *out, double d)
{
	char text[40];

	if (is_whole(d)) {
		int_print(out, (long long)d);
		return;
	}
	if (!(d >= -FINITE_MAX && d <= FINITE_MAX)) {
		buf_puts(out, "null");	/* JSON has no word for it */
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	/* The locale may have another point. */
	for (char *p = text; *p != '\0'; p++) {
		if (!isdigit((unsigned char)*p) && strchr("+-eE", *p) == NULL)
			*p = '.';
	}
	buf_puts(out, text);
}

/* The members or elements of value between the two brackets. */
static void
children_print(struct buf *out, const cJSON *value, const char *brackets)
{
	buf_append(out, &brackets[0], 1);
	for (const cJSON *v = value->child; v != NULL; v = v->next) {
		if (v != value->child)
			buf_append(out, ",", 1);
		if (brackets[0] == '{') {
			json_print_string(out, v->string != NULL ? v->string : "");
			buf_append(out, ":", 1);
		}
		json_print_to(out, v);
	}
	buf_append(out, &brackets[1], 1);
}

void
json_print_to(struct buf *out, const struct cJSON *value)
{
	if (cJSON_IsObject(value))
		children_print(out, value, "{}");
	else if (cJSON_IsArray(value))
		children_print(out, value, "[]");
	else if (cJSON_IsString(value))
		json_print_string(out, value->valuestring);
	else if (cJSON_IsNumber(value))
		number_print(out, value->valuedouble);
	else if (cJSON_IsRaw(value))
		buf_puts(out, value->valuestring);
	else if (cJSON_IsBool(value))
		buf_puts(out, cJSON_IsTrue(value) ? "true" : "false");
	else
		buf_puts(out, "null");
}

char *
json_print(const struct cJSON *value)
{
	struct buf out = { 0 };

	json_print_to(&out, value);
	return buf_steal(&out);
}

struct cJSON *
json_object(void)
{
	return cJSON_CreateObject();
}

struct cJSON *
json_array(void)
{
	return cJSON_CreateArray();
}

struct cJSON *
json_string(const char *s)
{
	return cJSON_CreateString(s);
}

struct cJSON *
json_int(long long value)
{
	char text[24];

	if (value > -WHOLE_BELOW && value < WHOLE_BELOW)
		return cJSON_CreateNumber((double)value);
	/* A double would round it. */
	(void)snprintf(text, sizeof(text), "%lld", value);
	return cJSON_CreateRaw(text);
}

void
json_set(struct cJSON *object, const char *name, struct cJSON *value)
{
	if (value != NULL)
		cJSON_AddItemToObject(object, name, value);
}

void
json_set_string(struct cJSON *object, const char *name, const char *value)
{
	if (value != NULL)
		cJSON_AddItemToObject(object, name, cJSON_CreateString(value));
}

void
json_set_int(struct cJSON *object, const char *name, long long value)
{
	cJSON_AddItemToObject(object, name, json_int(value));
}

void
json_set_bool(struct cJSON *object, const char *name, int value)
{
	cJSON_AddItemToObject(object, name, cJSON_CreateBool(value));
}

void
json_set_double(struct cJSON *object, const char *name, double value)
{
	cJSON_AddItemToObject(object, name, cJSON_CreateNumber(value));
}

void
json_remove(struct cJSON *object, const char *name)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
}

void
json_push(struct cJSON *array, struct cJSON *value)
{
	if (value != NULL)
		cJSON_AddItemToArray(array, value);
}

struct cJSON *
json_get(const struct cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *
json_name(const struct cJSON *value)
{
	return value->string;
}

const char *
json_text(const struct cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	return text != NULL ? text : "";
}

const char *
json_get_string(const struct cJSON *object, const char *name)
{
	const cJSON *v = json_get(object, name);

	return cJSON_IsString(v) ? v->valuestring : NULL;
}

long long
json_get_int(const struct cJSON *object, const char *name, long long otherwise)
{
	const cJSON *v = json_get(object, name);

	if (cJSON_IsRaw(v))
		return strtoll(v->valuestring, NULL, 10);
	if (!cJSON_IsNumber(v) || !is_whole(v->valuedouble))
		return otherwise;
	return (long long)v->valuedouble;
}

int
json_get_bool(const struct cJSON *object, const char *name, int otherwise)
{
	const cJSON *v = json_get(object, name);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : otherwise;
}

size_t
json_count(const struct cJSON *array)
{
	return (size_t)cJSON_GetArraySize(array);
}

struct cJSON *
json_at(const struct cJSON *array, size_t i)
{
	return i > INT32_MAX ? NULL : cJSON_GetArrayItem(array, (int)i);
}

struct cJSON *
json_first(const struct cJSON *array_or_object)
{
	return array_or_object != NULL ? array_or_object->child : NULL;
}

struct cJSON *
json_next(const struct cJSON *value)
{
	return value->next;
}

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	char *text = xmalloc((n + 2) / 3 * 4 + 1), *to = text;
	uint32_t three;

	for (size_t left = n; left > 0; left -= left < 3 ? left : 3, p += 3) {
		three = (uint32_t)p[0] << 16;
		if (left > 1)
			three |= (uint32_t)p[1] << 8;
		if (left > 2)
			three |= p[2];
		*to++ = base64_letters[three >> 18];
		*to++ = base64_letters[three >> 12 & 63];
		*to++ = left > 1 ? base64_letters[three >> 6 & 63] : '=';
		*to++ = left > 2 ? base64_letters[three & 63] : '=';
	}
	*to = '\0';
	return text;
}

/* The value of a letter, or -1. */
static int
base64_value(char c)
{
	const char *at = c != '\0' ? strchr(base64_letters, c) : NULL;

	return at != NULL ? (int)(at - base64_letters) : -1;
}

int
base64_decode(const char *text, void **ret, size_t *ret_n)
{
	size_t length = strlen(text), pad = 0, n;
	unsigned char *bytes, *to;
	uint32_t four;
	int v;

	if (length % 4 != 0)
		return -EINVAL;
	while (pad < 2 && pad < length && text[length - 1 - pad] == '=')
		pad++;
	n = length / 4 * 3 - pad;
	to = bytes = xmalloc(n + 3);
	for (size_t i = 0; i < length; i += 4) {
		four = 0;
		for (size_t j = i; j < i + 4; j++) {
			v = j >= length - pad ? 0 : base64_value(text[j]);
			if (v < 0)
				goto bad;
			four = four << 6 | (uint32_t)v;
		}
		/* What the padding cuts off must be zero, so that each text has one form. */
		if (i + 4 == length && (four & ((1u << 8 * pad) - 1)) != 0)
			goto bad;
		*to++ = (unsigned char)(four >> 16);
		*to++ = (unsigned char)(four >> 8);
		*to++ = (unsigned char)four;
	}
	*ret = bytes;
	*ret_n = n;
	return 0;
bad:
	free(bytes);
	return -EINVAL;
}
