/*
 * jobfile: see jobfile.h.  Sections, keys and comments are inih's, as in jobd's configuration; but values
 * can be long and hold anything, so it is shown each line without its value, which is kept beside it.
 */
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/file.h"
#include "client/jobfile.h"
#include "client/spec.h"
#include "client/value.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"
#include "proto/suggest.h"
#include "proto/types.h"

#define FILE_BYTES_MAX	((size_t)4 << 20)
#define KEY_LINE_MAX	150		/* what inih is shown of a line */

/* ---- keys ---- */

/* What options take from files or from the terminal, a job file holds itself. */
static const struct option file_options[] = {
	{ .name = "stdin-text", .argument = "TEXT", .kind = OPTION_TEXT, .field = "command.stdinText",
	    .help = "its standard input: this text, at most 64 KiB" },
	{ .name = "stdin-base64", .argument = "BASE64", .kind = OPTION_TEXT, .field = "command.stdinBase64",
	    .help = "its standard input: bytes that are no text" },
	{ .name = "ca-certificates", .argument = "PEM", .kind = OPTION_TEXT, .field = "http.caCertificates",
	    .help = "trust these certificates (PEM) alone" },
	{ .name = "basic-auth", .argument = "USER:PASSWORD", .kind = OPTION_TEXT, .field = "http.basicAuth",
	    .help = "say who asks" },
	{ .name = "bearer-token", .argument = "TOKEN", .kind = OPTION_TEXT, .field = "http.bearerToken",
	    .help = "or with this token" },
	{ .name = "client-certificate", .argument = "PEM", .kind = OPTION_TEXT, .field = "http.clientCertificate",
	    .help = "a client certificate (PEM), with its chain" },
	{ .name = "client-key", .argument = "PEM", .kind = OPTION_TEXT, .field = "http.clientKey",
	    .help = "its key (PEM), when it is not in there" },
	{ 0 },
};

/* The command, word by word: it has no option. */
static const struct option command_option = { .name = "command", .argument = "WORD...", .kind = OPTION_TEXT,
    .field = "command.argv", .help = "the program and its arguments: words with a shell's quotes, but no shell" };

/* Where an option's key belongs; NULL: into no file. */
static const char *
section_of(const struct option *o, const char *group)
{
	if (strcmp(o->name, "sh") == 0)
		return "Command";
	if (!o->field || strcmp(o->name, "key") == 0)
		return NULL;
	if (strncmp(o->field, "command.", 8) == 0)
		return "Command";
	if (strncmp(o->field, "http.", 5) == 0)
		return "Http";
	if (strncmp(o->field, "timer.", 6) == 0)
		return "Timer";
	if (strcmp(o->name, "notify") == 0)
		return "Notify";
	return strncmp(group, "When", 4) == 0 ? "Schedule" : "Job";
}

const char *const jobfile_sections[] = { "Job", "Schedule", "Command", "Http", "Timer", "Notify", NULL };

/* All options that are keys, in their order. */
struct walk {
	const struct option	*next;
	const char		*group;
	const char		*section;	/* of the one that walk_next() gave */
	size_t			 table;
};

static const struct option *
walk_next(struct walk *w)
{
	const struct option *const tables[] = { spec_options, file_options, spec_heartbeat_options };
	const struct option *o;

	if (!w->next) {
		*w = (struct walk){ .next = tables[0], .group = "", .section = "Command" };
		return &command_option;
	}
	for (;;) {
		if (!w->next->name && w->table + 1 == sizeof(tables) / sizeof(tables[0]))
			return NULL;
		if (!w->next->name)
			*w = (struct walk){ .next = tables[w->table + 1], .group = "", .table = w->table + 1 };
		o = w->next++;
		if (o->group)
			w->group = o->group;
		w->section = section_of(o, w->group);
		if (w->section)
			return o;
	}
}

/* The key of this section; or of the one that it belongs into. */
static const struct option *
key_find(const char *key, const char *section, const char **ret_section)
{
	const struct option *o, *found = NULL;
	struct walk w = { 0 };
	char text[KEY_TEXT_MAX];

	while ((o = walk_next(&w)) != NULL) {
		if (strcmp(option_key(o, text), key) != 0 || (found && strcmp(w.section, section) != 0))
			continue;
		*ret_section = w.section;
		found = o;
	}
	return found;
}

/* ---- texts ---- */

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows a backslash within double quotes.  How many bytes it takes, or -EINVAL. */
static int
escape_read(const char *s, struct buf *out)
{
	static const char names[] = "nrt\\\"$`", means[] = "\n\r\t\\\"$`";
	const char *at = *s ? strchr(names, *s) : NULL;
	char c;

	if (at) {
		buf_append(out, &means[at - names], 1);
		return 1;
	}
	if (*s != 'x' || hex(s[1]) < 0 || hex(s[2]) < 0)
		return -EINVAL;
	c = (char)(hex(s[1]) * 16 + hex(s[2]));
	buf_append(out, &c, 1);
	return 3;
}

static void
escape_print(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			buf_puts(out, "\\n");
		else if (*s == '\t')
			buf_puts(out, "\\t");
		else if (*s == '\\' || *s == '"')
			buf_printf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*s);
		else
			buf_append(out, s, 1);
	}
}

/* A value that is quoted whole, from its first byte to its last; else it stands as it is. */
static int
value_decode(const char *text, char **ret)
{
	struct buf b = { 0 };
	const char *s = text + 1;
	int n;

	*ret = NULL;
	if (text[0] != '"') {
		*ret = xstrdup(text);
		return 0;
	}
	while (*s && *s != '"') {
		n = *s == '\\' ? escape_read(s + 1, &b) : 0;
		if (n < 0)
			break;
		if (n == 0)
			buf_append(&b, s, 1);
		s += 1 + n;
	}
	if (s[0] == '"' && s[1] == '\0') {
		*ret = buf_steal(&b);
		return 0;
	}
	buf_done(&b);
	return -EINVAL;
}

/* Would it be read back as it is? */
static bool
value_is_plain(const char *s)
{
	size_t n = strlen(s);

	for (const char *p = s; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	}
	return n > 0 && s[0] != '"' && s[0] != ' ' && s[n - 1] != ' ' && s[n - 1] != '\\';
}

int
words_split(const char *s, struct strings *ret)
{
	struct buf b = { 0 };
	bool any = false;
	char quote = 0;
	int n = 0;

	*ret = (struct strings){ 0 };
	for (; *s && n >= 0; s++) {
		if (!quote && (*s == ' ' || *s == '\t')) {
			if (any)
				strings_add(ret, buf_string(&b));
			buf_reset(&b);
			any = false;
			continue;
		}
		any = true;
		if (*s == quote) {
			quote = 0;
		} else if (!quote && (*s == '\'' || *s == '"')) {
			quote = *s;
		} else if (*s == '\\' && quote == '"') {
			n = escape_read(s + 1, &b);
			s += n > 0 ? n : 0;
		} else if (*s == '\\' && !quote) {
			if (!*++s) {
				n = -EINVAL;
				break;
			}
			buf_append(&b, s, 1);
		} else {
			buf_append(&b, s, 1);
		}
	}
	if (any)
		strings_add(ret, buf_string(&b));
	buf_done(&b);
	if (n >= 0 && !quote && ret->n > 0)
		return 0;
	strings_done(ret);
	return -EINVAL;
}

char *
words_join(const struct strings *words)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < words->n; i++) {
		const char *w = words->items[i];
		bool odd = false;

		for (const char *p = w; *p; p++)
			odd |= (unsigned char)*p < 0x20 || *p == 0x7f;
		buf_puts(&out, i > 0 ? " " : "");
		if (odd) {
			buf_puts(&out, "\"");
			escape_print(&out, w);
			buf_puts(&out, "\"");
		} else {
			char *quoted = text_quote(w);

			buf_puts(&out, quoted);
			free(quoted);
		}
	}
	return buf_steal(&out);
}

/* ---- lines ---- */

/* A file being read, and what it has come to. */
struct reading {
	const char	*path;
	const char	*name;		/* of a job without one */
	const char	*instance;	/* or NULL: % is nothing special */
	const char	*template_path;	/* what lines with a negative number are of */
	bool		 template;	/* the job goes on in the instance's own file */
	char		*text;		/* what is left of it */
	char		*value;		/* of the line that inih was shown */
	bool		 header;	/* the job has had its [Job] */
	int		 line, next;	/* of what was read last; of the next */
	struct jobfiles	*jobs;
	struct jobfile	*job;		/* the one that lines are of; NULL: none has begun */
	struct buf	 wrong;		/* what was complained of, a line each */
};

static void __attribute__((format(printf, 3, 4)))
wrong(struct reading *r, int line, const char *format, ...)
{
	va_list ap;

	if (line)
		buf_printf(&r->wrong, "%s:%d: ", line < 0 ? r->template_path : r->path, abs(line));
	else
		buf_printf(&r->wrong, "%s: ", r->path);
	va_start(ap, format);
	buf_vprintf(&r->wrong, format, ap);
	va_end(ap);
	buf_puts(&r->wrong, "\n");
}

static struct jobfile *
job_begin(struct reading *r)
{
	struct jobfile *f = xcalloc(1, sizeof(*f));

	f->path = xstrdup(r->path);
	f->line = r->line > 0 ? r->line : 1;
	f->args.options = spec_options;
	f->args.keys = true;
	f->args.parameters = json_object();
	r->jobs->items = xrealloc(r->jobs->items, (r->jobs->n + 1) * sizeof(*r->jobs->items));
	r->jobs->items[r->jobs->n++] = f;
	r->job = f;
	return f;
}

/* The next line, and those that it goes on in: cut off. */
static char *
line_cut(struct reading *r)
{
	struct buf b = { 0 };
	char *line;
	size_t n;

	r->line = r->next;
	do {
		line = strsep(&r->text, "\n");
		r->next++;
		n = strlen(line);
		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		if (n == 0 || line[n - 1] != '\\' || !r->text) {
			buf_puts(&b, line);
			break;
		}
		buf_append(&b, line, n - 1);
		buf_puts(&b, " ");
	} while (r->text);
	return buf_steal(&b);
}

static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		s[--n] = '\0';
	return s;
}

/* What inih is shown instead of the line. */
static char *
line_show(char *out, int size, void *data)
{
	struct reading *r = data;
	char *line, *bare, *equals;

	if (!r->text || size < KEY_LINE_MAX)
		return NULL;
	line = line_cut(r);
	bare = trim(line);
	free(r->value);
	r->value = NULL;
	equals = *bare == '[' || *bare == '#' || *bare == ';' ? NULL : strchr(bare, '=');
	if (strcmp(bare, "[Job]") == 0 && !r->template && r->instance == NULL) {
		/* Wherever it stands, the first is of the job that has begun. */
		if (!r->job || r->header)
			job_begin(r);
		r->header = true;
	}
	if (equals) {
		r->value = xstrdup(trim(equals + 1));
		*equals = '\0';
		(void)trim(bare);
	}
	/* A comment is nothing, however long; and no name is so long. */
	if (*bare && *bare != '#' && *bare != ';' && !equals && (*bare != '[' || !strchr(bare, ']'))) {
		wrong(r, r->line, "a line is [Section], Key=value, or a comment that begins with #");
		*bare = '\0';
	}
	if (*bare == '#' || *bare == ';')
		*bare = '\0';
	snprintf(out, (size_t)size, "%.*s%s\n", KEY_LINE_MAX - 20, bare, equals ? "=." : "");
	free(line);
	return out;
}

/* In a template: %i and %%. */
static char *
specifiers(struct reading *r, const char *key, const char *value)
{
	struct buf b = { 0 };

	for (; *value; value++) {
		if (value[0] != '%') {
			buf_append(&b, value, 1);
		} else if (value[1] == 'i') {
			buf_puts(&b, r->instance);
			value++;
		} else if (value[1] == '%') {
			buf_puts(&b, "%");
			value++;
		} else {
			wrong(r, r->line, "%s: in a template %% is written %%%%, and %%i is the instance", key);
			break;
		}
	}
	return buf_steal(&b);
}

static void
key_unknown(struct reading *r, const char *section, const char *key)
{
	const char *candidates[160], *meant;
	char texts[160][KEY_TEXT_MAX];
	struct walk w = { 0 };
	const struct option *o;
	size_t n = 0;

	while ((o = walk_next(&w)) != NULL && n < 159) {
		if (strcmp(w.section, section) != 0)
			continue;
		candidates[n] = option_key(o, texts[n]);
		n++;
	}
	candidates[n] = NULL;
	meant = suggest(key, candidates);
	if (meant)
		wrong(r, r->line, "there is no key %s in [%s]; did you mean %s?", key, section, meant);
	else
		wrong(r, r->line, "there is no key %s in [%s]", key, section);
}

static bool
section_known(struct reading *r, const char *section)
{
	const char *meant;

	for (size_t i = 0; jobfile_sections[i]; i++) {
		if (strcmp(jobfile_sections[i], section) == 0)
			return true;
	}
	meant = *section ? suggest(section, jobfile_sections) : NULL;
	if (!*section)
		wrong(r, r->line, "it stands in no section: [Job] and others begin one");
	else if (meant)
		wrong(r, r->line, "there is no section [%s]; did you mean [%s]?", section, meant);
	else
		wrong(r, r->line, "there is no section [%s]: they are [Job], [Schedule], [Command], [Http],"
		    " [Timer], [Notify]", section);
	return false;
}

bool
jobfile_is_list(const struct option *o)
{
	return o->kind == OPTION_TEXTS || o->kind == OPTION_PATHS;
}

/* A key of an instance takes the place of the template's. */
static void
line_note(struct jobfile *f, const struct option *o, const char *key, char *value, int line)
{
	for (size_t i = 0; !jobfile_is_list(o) && i < f->n; i++) {
		if (strcmp(f->lines[i].key, key) == 0 && f->lines[i].line < 0) {
			free(f->lines[i].value);
			f->lines[i].value = value;
			f->lines[i].line = line;
			return;
		}
	}
	f->lines = xrealloc(f->lines, (f->n + 1) * sizeof(*f->lines));
	f->lines[f->n++] = (struct jobfile_line){ o, xstrdup(key), value, line };
}

static int
line_handle(void *data, const char *section, const char *key, const char *shown)
{
	struct reading *r = data;
	const struct option *o;
	const char *belongs;
	char *value, *expanded;

	(void)shown;
	/* To inih, Key: value would do as well. */
	if (!r->value || !section_known(r, section))
		return 1;
	o = key_find(key, section, &belongs);
	if (!o) {
		key_unknown(r, section, key);
		return 1;
	}
	if (strcmp(belongs, section) != 0) {
		wrong(r, r->line, "%s belongs into [%s]", key, belongs);
		return 1;
	}
	if (!r->job)
		job_begin(r);
	expanded = r->instance ? specifiers(r, key, r->value) : xstrdup(r->value);
	if (o == &command_option)
		value = xstrdup(expanded);
	else if (value_decode(expanded, &value) < 0)
		wrong(r, r->line, "%s: a value in quotes ends with them; within them \\n, \\t, \\\", \\\\ and"
		    " \\xHH are known", key);
	free(expanded);
	/* Lines of a template count as negative: errors of values tell its own name. */
	if (value)
		line_note(r->job, o, key, value, r->template ? -r->line : r->line);
	return 1;
}

/* ---- values ---- */

static void
argv_take(struct reading *r, struct jobfile *f, const struct jobfile_line *l)
{
	struct cJSON *command;
	struct strings words;

	if (words_split(l->value, &words) < 0) {
		wrong(r, l->line, "Command: it is empty, or a quote or backslash in it has no end");
		return;
	}
	command = spec_part(f->args.parameters, "command");
	for (size_t i = 0; i < words.n; i++)
		value_push_string(command, "argv", words.items[i]);
	strings_done(&words);
}

static const struct jobfile_line *
line_of(const struct jobfile *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->lines[i].key, key) == 0)
			return &f->lines[i];
	}
	return NULL;
}

static bool
line_given(const struct jobfile *f, const char *key)
{
	return line_of(f, key) != NULL;
}

/* What the options complained of, at this line; 0: each at that of the key that it begins with. */
static void
complaints_take(struct reading *r, struct jobfile *f, struct buf *said, int at)
{
	char *text = xstrdup(buf_string(said)), *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL && *line) {
		char *key = xstrndup(line, strcspn(line, ": "));
		const struct jobfile_line *l = line_of(f, key);

		wrong(r, at ? at : l ? l->line : f->line, "%s", line);
		free(key);
	}
	free(text);
	buf_reset(said);
}

static const char *
kind_of(struct reading *r, const struct jobfile *f)
{
	int command = line_given(f, "Command"), shell = line_given(f, "Shell");
	int http = line_given(f, "Url"), timer = line_given(f, "Duration");
	int heartbeat = line_given(f, "Heartbeat"), n = command + shell + http + timer + heartbeat;

	if (n == 1)
		return http ? "http" : timer ? "timer" : heartbeat ? "heartbeat" : "command";
	wrong(r, f->line, "%s one of Command and Shell in [Command], Url in [Http], Duration in [Timer], and"
	    " Heartbeat=yes in [Job]", n > 0 ? "give only" : "what shall it do? Give");
	return NULL;
}

static void
values_take(struct reading *r, struct jobfile *f)
{
	char *zone = xstrdup(getenv("TZ"));	/* what an option makes of it is for this job alone */
	struct buf said = { 0 }, *before = complain_into(&said);
	struct client c = { 0 };
	const char *kind;

	for (size_t i = 0; i < f->n; i++) {
		const struct jobfile_line *l = &f->lines[i];

		if (l->option == &command_option) {
			argv_take(r, f, l);
		} else if (strcmp(l->option->name, "sh") == 0) {
			value_push_shell(spec_part(f->args.parameters, "command"), l->value);
		} else if (args_take_key(&f->args, l->option, l->value, l->line)) {
			complaints_take(r, f, &said, l->line);
		}
	}
	if (args_read_times(&f->args))
		complaints_take(r, f, &said, 0);
	kind = kind_of(r, f);
	c.args = f->args;
	if (kind && buf_len(&r->wrong) == 0 && spec_complete_kind(&c, kind))
		complaints_take(r, f, &said, 0);
	(void)complain_into(before);
	buf_done(&said);
	zone_set(zone);
	free(zone);
}

static void
name_take(struct reading *r, struct jobfile *f)
{
	const char *name = json_get_string(f->args.parameters, "name"), *why;

	if (!name && r->name) {
		json_set_string(f->args.parameters, "name", r->name);
		name = r->name;
	}
	why = name ? job_name_check(name) : NULL;
	if (!name)
		wrong(r, f->line, "it has no Name, which it needs in [Job] when it is not alone in a file");
	else if (why)
		wrong(r, line_of(f, "Name") ? line_of(f, "Name")->line : f->line,
		    "\"%s\" is no name for a job: %s", name, why);
	f->name = xstrdup(name);
}

/* ---- files ---- */

static void
lines_read(struct reading *r)
{
	r->next = 1;
	r->line = 0;
	/* A line that is none was told when it was shown. */
	(void)ini_parse_stream(line_show, r, line_handle, r);
	free(r->value);
	r->value = NULL;
}

/* Say what is wrong. */
static int
reading_end(struct reading *r)
{
	int code = buf_len(&r->wrong) > 0 ? EXIT_USAGE : 0;

	complain_lines(&r->wrong);
	buf_done(&r->wrong);
	return code;
}

static void
jobs_take(struct reading *r, size_t from)
{
	size_t n = r->jobs->n - from;
	const char *name = r->name;

	if (n == 0)
		wrong(r, 1, "there is no job in it");
	for (size_t i = from; i < r->jobs->n; i++) {
		/* Only one that is alone is called as the file is. */
		r->name = n == 1 ? name : NULL;
		values_take(r, r->jobs->items[i]);
		name_take(r, r->jobs->items[i]);
	}
}

int
jobfiles_read_text(const char *path, const char *name, char *text, struct jobfiles *ret)
{
	struct reading r = { .path = path, .name = name, .text = text, .jobs = ret };
	size_t from = ret->n;

	lines_read(&r);
	jobs_take(&r, from);
	return reading_end(&r);
}

/* All of a file, as text; NULL after having said why not. */
static char *
text_read(const char *path)
{
	char *text = NULL;
	int r = text_load(path, FILE_BYTES_MAX, &text);

	if (r == 0 && !utf8_valid(text, strlen(text)))
		r = -EILSEQ;
	if (r == 0)
		return text;
	complain("%s: %s", path, r == -EMSGSIZE ? "it is longer than 4 MiB" :
	    r == -EILSEQ ? "it is not text in UTF-8" : strerror(-r));
	free(text);
	return NULL;
}

/* The name of a file without its directory and .job. */
static char *
stem(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t n = strlen(base);

	if (n > 4 && strcmp(base + n - 4, ".job") == 0)
		n -= 4;
	return xstrndup(base, n);
}

/* The template of NAME@INSTANCE: beside it; NULL: there is none.  *instance is in name. */
static char *
template_of(const char *path, const char *name, const char **instance)
{
	const char *slash = strrchr(path, '/'), *at = strchr(name, '@');
	char *template;

	if (!at || !at[1])
		return NULL;
	*instance = at + 1;
	template = xasprintf("%.*s%.*s@.job", slash ? (int)(slash + 1 - path) : 0, path,
	    (int)(at - name), name);
	if (access(template, F_OK) == 0)
		return template;
	free(template);
	return NULL;
}

/* The template, and then, unless it is the same by a link, the instance's own. */
static int
instance_read(const char *path, const char *name, const char *template, const char *instance,
    struct jobfiles *ret)
{
	struct reading r = { .path = template, .name = name, .instance = instance, .template = true,
	    .template_path = template, .jobs = ret };
	size_t from = ret->n;
	struct stat a, b;
	char *text = text_read(template), *own = NULL;
	bool same = stat(path, &a) < 0 ||
	    (stat(template, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev);

	if (text && !same)
		own = text_read(path);
	if (!text || (!same && !own)) {
		free(text);
		return EXIT_USAGE;
	}
	r.text = text;
	job_begin(&r)->template = xstrdup(template);
	lines_read(&r);
	r.template = false;
	r.text = own;
	if (own)
		r.path = path;
	if (own)
		lines_read(&r);
	jobs_take(&r, from);
	free(text);
	free(own);
	return reading_end(&r);
}

static int
file_read(const char *path, struct jobfiles *ret)
{
	char *name = strcmp(path, "-") == 0 ? NULL : stem(path);
	const char *instance = NULL;
	char *template = name ? template_of(path, name, &instance) : NULL, *text;
	size_t n = name ? strlen(name) : 0;
	int r = EXIT_USAGE;

	if (n > 0 && name[n - 1] == '@') {
		complain("%s: it is a template: its jobs are %sINSTANCE.job beside it", path, name);
	} else if (template) {
		r = instance_read(path, name, template, instance, ret);
	} else {
		text = text_read(path);
		if (text)
			r = jobfiles_read_text(path, name, text, ret);
		free(text);
	}
	free(template);
	free(name);
	return r;
}

/* What is a job in a directory. */
static int
is_job(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 4 && strcmp(entry->d_name + n - 4, ".job") == 0 &&
	    (n < 6 || entry->d_name[n - 5] != '@');
}

static int
name_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
directory_read(const char *path, struct jobfiles *ret)
{
	size_t n_path = strlen(path);
	struct dirent **entries;
	int n = scandir(path, &entries, is_job, name_compare), code = 0, r;

	if (n < 0) {
		complain("%s: %s", path, strerror(errno));
		return EXIT_USAGE;
	}
	for (int i = 0; i < n; i++) {
		char *file = xasprintf("%s%s%s", path, n_path > 0 && path[n_path - 1] == '/' ? "" : "/",
		    entries[i]->d_name);

		r = file_read(file, ret);
		code = code ? code : r;
		free(file);
		free(entries[i]);
	}
	free(entries);
	return code;
}

/* Two jobs of one name would change each other for ever. */
static int
names_check(const struct jobfiles *f)
{
	int code = 0;

	for (size_t i = 0; i < f->n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(f->items[i]->name, f->items[k]->name) != 0)
				continue;
			complain("%s:%d: the job %s is there already, at %s:%d", f->items[i]->path,
			    f->items[i]->line, f->items[i]->name, f->items[k]->path,
			    f->items[k]->line);
			code = EXIT_USAGE;
		}
	}
	return code;
}

int
jobfiles_read(const char *path, struct jobfiles *ret)
{
	struct stat st;
	int r;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		r = directory_read(path, ret);
	else
		r = file_read(path, ret);
	return r ? r : names_check(ret);
}

void
jobfiles_done(struct jobfiles *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct jobfile *j = f->items[i];

		for (size_t k = 0; k < j->n; k++) {
			free(j->lines[k].key);
			free(j->lines[k].value);
		}
		free(j->lines);
		args_done(&j->args);
		free(j->path);
		free(j->template);
		free(j->name);
		free(j);
	}
	free(f->items);
	*f = (struct jobfiles){ 0 };
}

char *
jobfile_place(const struct jobfile *f, const char *field)
{
	char *key = strstr(field, "command.argv") ? xstrdup("Command") : args_option_of(&f->args, field);
	const struct jobfile_line *l = key ? line_of(f, key) : NULL;
	char *place;

	if (!l && key && strcmp(key, "Command") == 0)
		l = line_of(f, "Shell");
	if (f->line)
		place = xasprintf("%s:%d: %s", l && l->line < 0 ? f->template : f->path, l ? abs(l->line) : f->line,
		    l ? l->key : key ? key : field);
	else
		place = xasprintf("%s: %s", f->path, l ? l->key : key ? key : field);
	free(key);
	return place;
}

/* ---- changes ---- */

/* Keys that mean the same field: one takes the place of the other. */
static const char *
field_of(const struct option *o)
{
	return o->field ? o->field : "command.argv";	/* Shell */
}

/* The section that is of this kind alone, and how the kind is called. */
static const char *
section_of_kind(const struct cJSON *spec, const char **called)
{
	const char *kind = json_get(spec, "http") ? "Http" : json_get(spec, "timer") ? "Timer" :
	    json_get_bool(spec, "heartbeat", 0) ? "Job" : "Command";

	*called = strcmp(kind, "Http") == 0 ? "a check" : strcmp(kind, "Timer") == 0 ? "a timer" :
	    strcmp(kind, "Job") == 0 ? "a heartbeat" : "a command";
	return kind;
}

const struct option *
jobfile_key(const char *key, const char *section, const char *preferred, const char **ret_section)
{
	const struct option *o, *found = NULL;
	struct walk w = { 0 };
	char text[KEY_TEXT_MAX];

	while ((o = walk_next(&w)) != NULL) {
		if (strcasecmp(option_key(o, text), key) != 0 || (section && strcasecmp(w.section, section) != 0))
			continue;
		if (found && (!preferred || strcmp(w.section, preferred) != 0))
			continue;
		*ret_section = w.section;
		found = o;
	}
	return found;
}

static char *
lowercase(const char *s)
{
	char *text = xstrdup(s);

	for (char *p = text; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	return text;
}

/* The key that was probably meant: that of an option of this name, or one that is near.  To free; or NULL. */
static char *
key_meant(const char *key)
{
	char *wanted = lowercase(key), *found = NULL, text[KEY_TEXT_MAX];
	struct strings keys = { 0 }, small = { 0 };
	const char **candidates, *near;
	const struct option *o;
	struct walk w = { 0 };

	while (!found && (o = walk_next(&w)) != NULL) {
		if (strcmp(o->name, wanted) == 0)
			found = xstrdup(option_key(o, text));
	}
	jobfile_keys(&keys);
	candidates = xcalloc(keys.n + 1, sizeof(*candidates));
	for (size_t i = 0; i < keys.n; i++) {
		char *one = lowercase(keys.items[i]);

		strings_add(&small, one);
		free(one);
		candidates[i] = small.items[i];
	}
	near = found ? NULL : suggest(wanted, candidates);
	for (size_t i = 0; near && i < keys.n; i++) {
		if (candidates[i] == near)
			found = xstrdup(keys.items[i]);
	}
	free(candidates);
	strings_done(&small);
	strings_done(&keys);
	free(wanted);
	return found;
}

static void
change_unknown(struct reading *r, const char *key)
{
	char *meant = *key ? key_meant(key) : NULL;

	if (!*key)
		wrong(r, 0, "a key is missing before the =");
	else if (meant)
		wrong(r, 0, "there is no key %s; did you mean %s?", key, meant);
	else
		wrong(r, 0, "there is no key %s: job(5) has all of them, jobctl export those of a job", key);
	free(meant);
}

/* The option of Key or Section.Key; NULL after having said why there is none. */
static const struct option *
change_key(struct reading *r, const struct cJSON *spec, const char *word)
{
	const char *dot = strchr(word, '.'), *key = dot ? dot + 1 : word, *called, *belongs, *other;
	const char *own = section_of_kind(spec, &called);
	char *section = dot ? xstrndup(word, (size_t)(dot - word)) : NULL;
	const struct option *o = jobfile_key(key, section, own, &belongs), *second;

	if (!o) {
		if (section && jobfile_key(key, NULL, own, &belongs))
			wrong(r, 0, "there is no key %s in [%s]: it belongs into [%s]", key, section, belongs);
		else
			change_unknown(r, key);
		free(section);
		return NULL;
	}
	second = jobfile_key(key, section, "Job", &other);
	free(section);
	if (strcmp(belongs, own) != 0 && second != o) {
		wrong(r, 0, "%s is a key of [%s] and of [%s], and the job is %s: write %s.%s or %s.%s", key, belongs,
		    other, called, belongs, key, other, key);
		return NULL;
	}
	if (strcmp(belongs, own) != 0 && (strcmp(belongs, "Command") == 0 || strcmp(belongs, "Http") == 0 ||
	    strcmp(belongs, "Timer") == 0)) {
		wrong(r, 0, "%s is a key of [%s], and the job is %s, which it stays", key, belongs, called);
		return NULL;
	}
	return o;
}

static void
lines_drop(struct jobfile *f, const char *field)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(field_of(f->lines[i].option), field) != 0) {
			f->lines[kept++] = f->lines[i];
			continue;
		}
		free(f->lines[i].key);
		free(f->lines[i].value);
	}
	f->n = kept;
}

static bool
strings_have(const struct strings *s, const char *text)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->items[i], text) == 0)
			return true;
	}
	return false;
}

/* One KEY=VALUE; seen: fields that an earlier one has changed. */
static void
change_take(struct reading *r, const struct cJSON *spec, const char *change, struct strings *seen)
{
	const char *value = strchr(change, '=') + 1, *field;
	char *word = xstrndup(change, (size_t)(value - 1 - change)), key[KEY_TEXT_MAX];
	const struct option *o = change_key(r, spec, word);

	free(word);
	if (!o)
		return;
	field = field_of(o);
	option_key(o, key);
	if (!jobfile_is_list(o) && strings_have(seen, field)) {
		wrong(r, 0, "%s: it has one value, and is given twice", key);
		return;
	}
	if (!*value || !strings_have(seen, field))
		lines_drop(r->job, field);
	strings_add(seen, field);
	if (*value)
		line_note(r->job, o, key, xstrdup(value), 0);
}

int
jobfile_change(const struct cJSON *spec, const char *name, char *const *changes, size_t n, struct jobfiles *ret)
{
	char *text = jobfile_print(spec);
	struct reading r = { .path = name, .text = text, .jobs = ret };
	struct strings seen = { 0 };

	lines_read(&r);
	/* The lines are of no file that anybody has seen. */
	r.job->line = 0;
	for (size_t i = 0; i < r.job->n; i++)
		r.job->lines[i].line = 0;
	for (size_t i = 0; i < n; i++)
		change_take(&r, spec, changes[i], &seen);
	if (buf_len(&r.wrong) == 0)
		values_take(&r, r.job);
	if (json_get_string(r.job->args.parameters, "name"))
		name_take(&r, r.job);
	strings_done(&seen);
	free(text);
	return reading_end(&r);
}

void
jobfile_keys(struct strings *ret)
{
	const struct option *o;
	struct walk w = { 0 };
	char text[KEY_TEXT_MAX];

	while ((o = walk_next(&w)) != NULL) {
		if (!strings_have(ret, option_key(o, text)))
			strings_add(ret, text);
	}
}

void
jobfile_section_each(const char *section, void (*take)(const char *section, const struct option *o))
{
	const struct option *o;
	struct walk w = { 0 };

	while ((o = walk_next(&w)) != NULL) {
		if (strcmp(w.section, section) == 0)
			take(section, o);
	}
}

/* ---- printing ---- */

static void
value_print(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s=", key);
	if (value_is_plain(value)) {
		buf_puts(out, value);
	} else {
		buf_puts(out, "\"");
		escape_print(out, value);
		buf_puts(out, "\"");
	}
	buf_puts(out, "\n");
}

/* A size as it could be typed: the greatest unit that loses nothing. */
static char *
size_whole(int64_t bytes)
{
	static const char units[] = "KMGT";
	int unit = 0;

	while (unit < 4 && bytes > 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	return unit > 0 ? xasprintf("%lld%c", (long long)bytes, units[unit - 1]) :
	    xasprintf("%lld", (long long)bytes);
}

static char *
backoff_whole(const struct cJSON *spec)
{
	bool fixed = strcmp(value_text(spec, "backoff"), "fixed") == 0;
	int64_t first = json_get_int(spec, "backoffUSec", 0), most = json_get_int(spec, "backoffMaxUSec", 0);
	char *from = first > 0 ? duration_whole(first) : xstrdup("");
	char *to = most > 0 ? duration_whole(most) : xstrdup("");
	char *text = NULL;

	/* fixed with a maximum, which means nothing, is left as it would be without. */
	if (fixed)
		text = first > 0 ? xasprintf("fixed:%s", from) : xstrdup("fixed");
	else if (first > 0 || most > 0)
		text = xasprintf("exp:%s%s%s", from, most > 0 ? ".." : "", to);
	free(from);
	free(to);
	return text;
}

/* One of the limits of Keep: -1 is all, 0 as configured. */
static void
keep_part_print(struct buf *out, int64_t value, char *text)
{
	buf_puts(out, value < 0 ? "all" : value == 0 ? "" : text);
	free(text);
}

static char *
keep_whole(const struct cJSON *spec)
{
	int64_t runs = json_get_int(spec, "keepRuns", 0), age = json_get_int(spec, "keepUSec", 0);
	int64_t bytes = json_get_int(spec, "keepOutputBytes", 0);
	struct buf b = { 0 };

	if (runs == 0 && age == 0 && bytes == 0)
		return NULL;
	keep_part_print(&b, runs, xasprintf("%lld", (long long)runs));
	buf_puts(&b, age != 0 || bytes != 0 ? "," : "");
	keep_part_print(&b, age, duration_whole(age));
	buf_puts(&b, bytes != 0 ? "," : "");
	keep_part_print(&b, bytes, size_whole(bytes));
	return buf_steal(&b);
}

/* An enum with a number that may follow it: overlap, misfire. */
static char *
limited_whole(const struct cJSON *spec, const char *name, const char *limit)
{
	const char *word = json_get_string(spec, name);
	int64_t n = json_get_int(spec, limit, 0);

	return !word ? NULL : n > 0 ? xasprintf("%s:%lld", word, (long long)n) : xstrdup(word);
}

/* Options whose text is several fields; false: it is none of them. */
static bool
composite(const struct option *o, const struct cJSON *spec, char **ret)
{
	if (strcmp(o->name, "backoff") == 0)
		*ret = backoff_whole(spec);
	else if (strcmp(o->name, "keep") == 0)
		*ret = keep_whole(spec);
	else if (strcmp(o->name, "misfire") == 0)
		*ret = limited_whole(spec, "misfire", "misfireLimit");
	else if (strcmp(o->name, "overlap") == 0)
		*ret = limited_whole(spec, "overlap", "overlapLimit");
	else
		return false;
	return true;
}

static void
texts_write(struct buf *out, const char *key, const struct cJSON *holder, const char *name)
{
	struct strings texts;

	value_strings(holder, name, &texts);
	for (size_t i = 0; i < texts.n; i++)
		value_print(out, key, texts.items[i]);
	strings_done(&texts);
}

static char *
single(const struct option *o, const struct cJSON *holder, const char *name)
{
	switch (o->kind) {
	case OPTION_FLAG:
		return json_get_bool(holder, name, 0) ? xstrdup("yes") : NULL;
	case OPTION_TEXT:
	case OPTION_PATH:
	case OPTION_ZONE:
	case OPTION_INSTANT:
		return xstrdup(json_get_string(holder, name));
	case OPTION_INT:
	case OPTION_COUNT:
		return xasprintf("%lld", json_get_int(holder, name, 0));
	case OPTION_SIZE:
		return size_whole(json_get_int(holder, name, 0));
	case OPTION_DURATION:
	case OPTION_SPAN:
		return duration_whole(json_get_int(holder, name, 0));
	case OPTION_TEXTS:
	case OPTION_PATHS:
	case OPTION_FILE:
		break;
	}
	return NULL;
}

/* argv: as a text for the shell where it is one. */
static void
command_print(struct buf *out, const struct cJSON *command)
{
	struct strings argv;
	char *words;

	value_strings(command, "argv", &argv);
	if (argv.n == 3 && strcmp(argv.items[0], "/bin/sh") == 0 && strcmp(argv.items[1], "-c") == 0) {
		value_print(out, "Shell", argv.items[2]);
	} else if (argv.n > 0) {
		words = words_join(&argv);
		buf_printf(out, "Command=%s\n", words);
		free(words);
	}
	strings_done(&argv);
}

static void
option_write(struct buf *out, const struct option *o, const struct cJSON *spec)
{
	const char *name = o->field, *dot = name ? strchr(name, '.') : NULL;
	char key[KEY_TEXT_MAX], *text = NULL, *kind;

	option_key(o, key);
	if (dot) {
		kind = xstrndup(name, (size_t)(dot - name));
		spec = json_get(spec, kind);
		free(kind);
		name = dot + 1;
	}
	if (!spec || strcmp(o->name, "sh") == 0)
		return;
	if (o == &command_option) {
		command_print(out, spec);
		return;
	}
	if (!composite(o, spec, &text) && json_get(spec, name)) {
		if (jobfile_is_list(o))
			texts_write(out, key, spec, name);
		else
			text = single(o, spec, name);
	}
	if (text)
		value_print(out, key, text);
	free(text);
}

char *
jobfile_print(const struct cJSON *spec)
{
	struct buf out = { 0 };

	for (size_t i = 0; jobfile_sections[i]; i++) {
		struct walk w = { 0 };
		const struct option *o;
		struct buf part = { 0 };

		while ((o = walk_next(&w)) != NULL) {
			if (strcmp(w.section, jobfile_sections[i]) == 0)
				option_write(&part, o, spec);
		}
		if (buf_len(&part) > 0 || i == 0)
			buf_printf(&out, "%s[%s]\n%s", i > 0 ? "\n" : "", jobfile_sections[i],
			    buf_len(&part) > 0 ? buf_string(&part) : "");
		buf_done(&part);
	}
	return buf_steal(&out);
}

int
jobfile_directory(const char *path)
{
	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		return 0;
	complain("%s: %s", path, strerror(errno));
	return EXIT_FAILED;
}

int
jobfile_save(const char *path, const char *text)
{
	int r = text_save(path, text);

	if (r < 0)
		complain("%s: %s", path, strerror(-r));
	return r < 0 ? EXIT_FAILED : 0;
}
