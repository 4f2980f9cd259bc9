/*
 * call SOCKET [REPLIES]: send standard input as it is to a Varlink service and print so many replies (1), one
 * a line, without their NUL.  Exit 1 when the connection is closed before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	static char text[4 << 20];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), left = argc > 2 ? atoi(argv[2]) : 1;
	size_t n, sent = 0;
	ssize_t k;

	if (argc < 2 || strlen(argv[1]) >= sizeof(a.sun_path))
		return 2;
	strcpy(a.sun_path, argv[1]);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		perror("call");
		return 1;
	}
	n = fread(text, 1, sizeof(text), stdin);
	while (sent < n) {
		k = send(fd, text + sent, n - sent, MSG_NOSIGNAL);
		if (k < 0)
			return 1;
		sent += (size_t)k;
	}
	while (left > 0) {
		k = read(fd, text, sizeof(text));
		if (k <= 0)
			return 1;
		for (ssize_t i = 0; i < k && left > 0; i++) {
			if (text[i] == '\0')
				left--;
			putchar(text[i] == '\0' ? '\n' : text[i]);
		}
	}
	return 0;
}
