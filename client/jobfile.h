/*
 * jobfile: jobs as text, in the manner of systemd's units:
 *
 *	[Job]
 *	Name=backup
 *
 *	[Schedule]
 *	Cron=0 3 * * *
 *
 *	[Command]
 *	Command=rsync -a /srv /backup
 *
 * The keys are the options of `jobctl add` (spec.h), each in its section.  What is printed is read
 * back to the same spec, and printed again to the same bytes.
 */
#ifndef CLIENT_JOBFILE_H
#define CLIENT_JOBFILE_H

#include "client/client.h"
#include "proto/fields.h"

struct jobfile_line {
	const struct option	*option;
	char			*key, *value;
	int			 line;
};

/* A job as it stands in a file. */
struct jobfile {
	char			*path;		/* as it is told */
	char			*template;	/* what lines with a negative number are of; or NULL */
	int			 line;		/* where it begins; 0: it is in no file, and path is the job's name */
	char			*name;
	struct args		 args;		/* what was given; parameters is the JobSpec */
	struct jobfile_line	*lines;		/* what args points into */
	size_t			 n;
};

struct jobfiles {
	struct jobfile	**items;
	size_t		  n;
};

/*
 * Read a file, or all *.job of a directory in the order of their names.  NAME@INSTANCE.job is what is
 * in NAME@.job beside it, %i in values being INSTANCE, and its own lines after that; NAME@.job itself
 * is no job.  A file holds one job, called as the file is unless it has a Name; or several, each
 * with a [Job] of its own and a Name in it.  "-": standard input.  0; or an exit code after having said
 * all that is wrong, with file, line and key.
 */
int jobfiles_read(const char *path, struct jobfiles *ret);

/* The same of a text that is called path in errors; name: of a job that has none (NULL: it needs one). */
int jobfiles_read_text(const char *path, const char *name, char *text, struct jobfiles *ret);

/*
 * The job of this spec, but for the changes: n words "KEY=VALUE".  A KEY is found whatever its case; Section.KEY is that
 * of the section, else it is that of the job's kind.  An empty VALUE takes the key's lines away; a list becomes the
 * values that are given for it.  They are taken as they stand, without quotes (but Command, which is words).  It is called
 * name in errors.  As jobfiles_read().
 */
int jobfile_change(const struct cJSON *spec, const char *name, char *const *changes, size_t n, struct jobfiles *ret);

void jobfiles_done(struct jobfiles *f);

/* All keys, each once; the caller calls strings_done(). */
void jobfile_keys(struct strings *ret);

/*
 * The option of a key, whatever its case, in a section (NULL: any); where several have it, in the preferred one (NULL: the
 * first), in *ret_section.  NULL: there is none.
 */
const struct option *jobfile_key(const char *key, const char *section, const char *preferred, const char **ret_section);

/* The keys of a section, as options, in the order in which they are printed: each has a help. */
void jobfile_section_each(const char *section, void (*take)(const char *section, const struct option *o));

/* May the key be given again and again? */
bool jobfile_is_list(const struct option *o);

/* Where a field of the spec stands: "backup.job:7: Cron"; allocated. */
char *jobfile_place(const struct jobfile *f, const char *field);

/* The sections in the order in which they are printed, NULL-ended. */
extern const char *const jobfile_sections[];

/* A JobSpec as the text of a file; allocated. */
char *jobfile_print(const struct cJSON *spec);

/* The directory for files of jobs, made when it is not there.  0, or an exit code after having said why not. */
int jobfile_directory(const char *path);

/* The file holds text then, for the user alone; see text_save().  0, or an exit code after having said why not. */
int jobfile_save(const char *path, const char *text);

/* A shell's words: quotes and backslashes; in double quotes \n \t \xHH, too.  0 or -EINVAL. */
int words_split(const char *text, struct strings *ret);
char *words_join(const struct strings *words);

#endif
