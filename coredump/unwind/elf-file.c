/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libelf checks what it reads; what it makes of a hostile file stays in the sandbox. */
#include "coredump/unwind/elf-file.h"

#include "common/cleanup.h"
#include "common/text.h"
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>

int elf_file_open(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return TAKE_FD(fd);
}

Elf *elf_file_begin(int fd, const CoreElf *core)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	GElf_Ehdr header;

	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
		header.e_machine == core->machine &&
		(header.e_ident[EI_CLASS] == ELFCLASS64) == core->is_64 &&
		(header.e_ident[EI_DATA] == ELFDATA2MSB) == core->big_endian)
		return elf;
	(void)elf_end(elf);
	return NULL;
}

int elf_file_is(Elf *elf, const char *build_id)
{
	const void *data;
	ssize_t length = dwelf_elf_gnu_build_id(elf, &data);
	const unsigned char *id = data;
	char digits[3];

	if (length <= 0)
		return -ENODATA;
	if (strlen(build_id) != (size_t)length * 2)
		return 0;
	for (ssize_t i = 0; i < length; i++) {
		(void)snprintf(digits, sizeof digits, "%02x", id[i]);
		if (memcmp(digits, build_id + 2 * i, 2) != 0)
			return 0;
	}
	return 1;
}

bool elf_file_is_fixed(Elf *elf)
{
	GElf_Ehdr header;

	return gelf_getehdr(elf, &header) && header.e_type == ET_EXEC;
}

bool elf_file_has_section(Elf *elf, uint32_t type, const char *name)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return false;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != type)
			continue;
		const char *its = name ? elf_strptr(elf, names, header.sh_name) : NULL;
		if (!name || (its && streq(its, name)))
			return true;
	}
	return false;
}

/* As in the documentation of GDB, "Separate Debug Files". */
static uint32_t add_to_checksum(uint32_t crc, const unsigned char *data, size_t n)
{
	static uint32_t table[256];

	if (!table[1])
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t value = i;
			for (int bit = 0; bit < 8; bit++)
				value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
			table[i] = value;
		}
	crc = ~crc;
	for (size_t i = 0; i < n; i++)
		crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}

int elf_file_checksum(int fd, uint32_t *ret)
{
	static unsigned char data[64 * 1024];
	uint64_t at = 0;
	ssize_t n;

	*ret = 0;
	while ((n = pread_all(fd, data, sizeof data, at)) > 0) {
		*ret = add_to_checksum(*ret, data, (size_t)n);
		at += (uint64_t)n;
	}
	return (int)n;
}
