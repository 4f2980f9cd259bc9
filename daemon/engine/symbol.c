/*
 * symbol: see symbol.h.  The table is searched from end to end for each address: some thousand
 * entries, which is little beside what a person who asks waits anyway.
 */
#include "daemon/engine/symbol.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* n elements of size at offset lie inside the file. */
static bool
inside(const struct symbols *s, uint64_t offset, uint64_t n, uint64_t size)
{
	return offset <= s->size && size > 0 && n <= (s->size - offset) / size;
}

static const void *
at(const struct symbols *s, uint64_t offset)
{
	return (const char *)s->file + offset;
}

/* Find the table of symbols and their names; a file that is not as it should be has none. */
static void
table_find(struct symbols *s)
{
	const ElfW(Ehdr) *header = s->file;
	const ElfW(Shdr) *sections, *table, *names;

	if (!inside(s, 0, 1, sizeof(*header)) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_shentsize != sizeof(*sections) ||
	    !inside(s, header->e_shoff, header->e_shnum, sizeof(*sections)))
		return;
	sections = at(s, header->e_shoff);
	for (unsigned i = 0; i < header->e_shnum; i++) {
		table = &sections[i];
		if (table->sh_type != SHT_SYMTAB || table->sh_link >= header->e_shnum)
			continue;
		names = &sections[table->sh_link];
		if (!inside(s, table->sh_offset, table->sh_size, 1) ||
		    !inside(s, names->sh_offset, names->sh_size, 1))
			return;
		s->table = at(s, table->sh_offset);
		s->n = table->sh_size / sizeof(ElfW(Sym));
		s->names = at(s, names->sh_offset);
		s->names_size = names->sh_size;
		return;
	}
}

/* The first one told is the program. */
static int
base_take(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	((struct symbols *)arg)->base = info->dlpi_addr;
	return 1;
}

void
symbols_open(struct symbols *s)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *file;

	*s = (struct symbols){ .file = NULL };
	(void)dl_iterate_phdr(base_take, s);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (file != MAP_FAILED) {
			s->file = file;
			s->size = (size_t)st.st_size;
			table_find(s);
		}
	}
	close(fd);
}

void
symbols_close(struct symbols *s)
{
	if (s->file != NULL)
		munmap((void *)(uintptr_t)s->file, s->size);
	*s = (struct symbols){ .file = NULL };
}

/* The function around an offset into the program, or NULL. */
static const char *
function_at(const struct symbols *s, uintptr_t offset, uintptr_t *start)
{
	const ElfW(Sym) *table = s->table;

	for (size_t i = 0; i < s->n; i++) {
		if (ELF64_ST_TYPE(table[i].st_info) != STT_FUNC || table[i].st_shndx == SHN_UNDEF ||
		    offset < table[i].st_value || offset - table[i].st_value >= table[i].st_size)
			continue;
		/* A name that has no end in its table is none. */
		if (table[i].st_name >= s->names_size ||
		    memchr(s->names + table[i].st_name, '\0', s->names_size - table[i].st_name) == NULL)
			continue;
		*start = table[i].st_value;
		return s->names + table[i].st_name;
	}
	return NULL;
}

void
symbols_name(const struct symbols *s, const void *address, bool innermost, bool *ours,
    char out[SYMBOL_TEXT_MAX])
{
	/* What a call returns to may already be the next function. */
	uintptr_t pc = (uintptr_t)address - (innermost ? 0 : 1), start;
	const char *name, *file;
	Dl_info info;

	if (ours != NULL)
		*ours = false;
	if (dladdr((const void *)pc, &info) == 0 || info.dli_fname == NULL) {	/* NOLINT: an address */
		(void)snprintf(out, SYMBOL_TEXT_MAX, "%p", address);
		return;
	}
	file = strrchr(info.dli_fname, '/');
	file = file == NULL ? info.dli_fname : file + 1;
	if ((uintptr_t)info.dli_fbase == s->base) {
		if (ours != NULL)
			*ours = true;
		name = function_at(s, pc - s->base, &start);
		if (name != NULL) {
			(void)snprintf(out, SYMBOL_TEXT_MAX, "%.96s+%#zx", name, (size_t)(pc - s->base - start));
			return;
		}
	} else if (info.dli_sname != NULL) {
		(void)snprintf(out, SYMBOL_TEXT_MAX, "%.40s %.64s+%#zx", file, info.dli_sname,
		    (size_t)(pc - (uintptr_t)info.dli_saddr));
		return;
	}
	(void)snprintf(out, SYMBOL_TEXT_MAX, "%.64s+%#zx", file, (size_t)(pc - (uintptr_t)info.dli_fbase));
}
