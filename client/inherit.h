/*
 * inherit: what a job takes along from where it is added: variables, standard input.
 */
#ifndef CLIENT_INHERIT_H
#define CLIENT_INHERIT_H

struct client;
struct cJSON;

/*
 * --env-here and --stdin, into the command's object.  0, or an exit code after having said what
 * is wrong.
 */
int inherit_complete(struct client *c, struct cJSON *command);

/* Which variables --env-here leaves out, for the help. */
#define INHERIT_LEFT_OUT \
	"--env-here takes all of your environment but _ SHLVL PWD OLDPWD TERM COLUMNS\n" \
	"LINES WINDOWID STY TMUX* JOBD_* and what a service manager tells its services;\n" \
	"it is stored with the job. Secrets are better in an --env-file, which is read at\n" \
	"each start, with the rights of the user it runs as, and never stored.\n"

#endif
