/*
 * The fuzz targets without a fuzzer: replays files (and all files of directories), then
 * runs seeded mutations of them, so that every compiler's build tries something new.
 *
 *	fuzz-proto [-n MUTATIONS] [-s SEED] [-i NUMBER] PATH...
 *
 * A failure tells seed and number of the mutation; -s with -i runs that one alone.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

#define INPUT_MAX	((size_t)64 * 1024)	/* a mutation grows no longer */
#define FILES_MAX	4096

struct input {
	uint8_t	*data;
	size_t	 size;
};

static struct input corpus[FILES_MAX];
static size_t corpus_n;

/* What is being run, for the last words. */
static char doing[160];

static void
last_words(void)
{
	(void)!write(STDERR_FILENO, doing, strlen(doing));
}

static void
died(int number)
{
	last_words();
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* splitmix64: any seed is as good as another. */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t
below(uint64_t *state, size_t n)
{
	return n > 0 ? (size_t)(draw(state) % n) : 0;
}

static void
file_load(const char *path)
{
	struct input *in = &corpus[corpus_n];
	FILE *file = fopen(path, "re");
	long size = -1;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size < 0 || corpus_n == FILES_MAX) {
		fprintf(stderr, "fuzz: cannot read %s\n", path);
		exit(2);
	}
	rewind(file);
	in->data = malloc((size_t)size + 1);
	if (in->data == NULL)
		abort();
	in->size = fread(in->data, 1, (size_t)size, file);
	(void)fclose(file);
	corpus_n++;
	(void)snprintf(doing, sizeof(doing), "fuzz: died in the file %s\n", path);
	LLVMFuzzerTestOneInput(in->data, in->size);
}

/* A file, or the files of a directory in the order of their names, so that seeds hold. */
static void
path_load(const char *path)
{
	struct dirent **names;
	struct stat st;
	char *file;
	int n;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		file_load(path);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0) {
		fprintf(stderr, "fuzz: cannot read %s: %s\n", path, strerror(errno));
		exit(2);
	}
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			if (asprintf(&file, "%s/%s", path, names[i]->d_name) < 0)
				abort();
			path_load(file);
			free(file);
		}
		free(names[i]);
	}
	free(names);
}

/* Put n bytes in place of cut bytes at the place. */
static size_t
replace(uint8_t *data, size_t size, size_t place, size_t cut, const struct input *by)
{
	if (size - cut + by->size > INPUT_MAX)
		return size;
	memmove(data + place + by->size, data + place + cut, size - place - cut);
	memcpy(data + place, by->data, by->size);
	return size - cut + by->size;
}

/* One change of some kind. */
static size_t
mutate(uint64_t *rng, uint8_t *data, size_t size)
{
	static const char telling[] = "\"{}[],:\\0-9.eEu+\x00\x7f\x80\xff\xed\xc0 \n";
	static uint8_t bytes[INPUT_MAX];
	size_t place = below(rng, size + 1), length = below(rng, size - place + 1);
	const struct input *other = &corpus[below(rng, corpus_n)];
	struct input by = { bytes, 0 };
	size_t from;

	if (length > 64 && below(rng, 8) != 0)
		length = below(rng, 64);
	switch (below(rng, 6)) {
	case 0:		/* a bit */
		if (place < size)
			data[place] ^= (uint8_t)(1u << below(rng, 8));
		return size;
	case 1:		/* a byte that means something */
		bytes[0] = (uint8_t)telling[below(rng, sizeof(telling) - 1)];
		by.size = 1;
		return replace(data, size, place, place < size ? below(rng, 2) : 0, &by);
	case 2:		/* cut out */
		return replace(data, size, place, length, &by);
	case 3:		/* double */
		memcpy(bytes, data + place, length);
		by.size = length;
		return replace(data, size, place, 0, &by);
	case 4:		/* a piece of another input */
		from = below(rng, other->size + 1);
		by.size = below(rng, other->size - from + 1);
		by.data = other->data + from;
		return replace(data, size, place, below(rng, 2) * length, &by);
	default:	/* a digit */
		if (place < size && data[place] >= '0' && data[place] <= '9')
			data[place] = (uint8_t)('0' + below(rng, 10));
		return size;
	}
}

static void
mutation_run(uint64_t seed, uint64_t number)
{
	static uint8_t data[INPUT_MAX];
	uint64_t rng = seed + number * 0xd1342543de82ef95u;
	const struct input *in = &corpus[below(&rng, corpus_n)];
	size_t size = in->size < INPUT_MAX ? in->size : INPUT_MAX, changes;
	uint8_t *exact;

	(void)snprintf(doing, sizeof(doing), "fuzz: died: run again with -s %llu -i %llu\n",
	    (unsigned long long)seed, (unsigned long long)number);
	memcpy(data, in->data, size);
	changes = 1 + below(&rng, 6);
	for (size_t i = 0; i < changes; i++)
		size = mutate(&rng, data, size);
	exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

int
main(int argc, char **argv)
{
	uint64_t seed = 0, mutations = 0, only = UINT64_MAX;
	int option;

	if (getrandom(&seed, sizeof(uint32_t), 0) < 0)
		seed = (uint64_t)getpid();
	while ((option = getopt(argc, argv, "n:s:i:")) != -1) {
		if (option == 'n')
			mutations = strtoull(optarg, NULL, 10);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (option == 'i')
			only = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	(void)signal(SIGABRT, died);
	(void)signal(SIGSEGV, died);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(last_words);
	for (int i = optind; i < argc; i++)
		path_load(argv[i]);
	if (corpus_n == 0) {
		fprintf(stderr, "usage: %s [-n MUTATIONS] [-s SEED] [-i NUMBER] PATH...\n",
		    argv[0]);
		return 2;
	}
	if (only != UINT64_MAX)
		mutation_run(seed, only);
	for (uint64_t i = 0; i < mutations && only == UINT64_MAX; i++)
		mutation_run(seed, i);
	printf("fuzz: %zu files, %llu mutations, seed=%llu\n", corpus_n,
	    (unsigned long long)mutations, (unsigned long long)seed);
	for (size_t i = 0; i < corpus_n; i++)
		free(corpus[i].data);
	return 0;
}
