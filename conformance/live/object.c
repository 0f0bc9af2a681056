/* SPDX-License-Identifier: MIT */
/* object.c - makes files on a disk and memfds. */
#define _GNU_SOURCE	  1
#define _FILE_OFFSET_BITS 64
#include "object.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "world.h"

/* Newer than some headers, and the same number on every architecture. */
#define SYS_MEMFD_SECRET 447
/* Larger files are written in larger pieces, and so get larger folios. */
#define SMALL		 (16ull << 20)

static bool usable(const char *dir)
{
	struct statfs fs;

	if (!dir || !*dir || statfs(dir, &fs) || access(dir, W_OK | X_OK))
		return false;
	return (uint32_t)fs.f_type != TMPFS_MAGIC && (uint32_t)fs.f_type != RAMFS_MAGIC;
}

const char *pmk_object_directory(void)
{
	const char *dirs[] = { getenv("TMPDIR"), "/var/tmp", "/tmp", "/" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (usable(dirs[i]))
			return dirs[i];
	return NULL;
}

/* write(2), not fallocate(2): unwritten extents would be holes to some readers, such as swapon. */
int pmk_object_fill(int fd, uint64_t size, size_t chunk)
{
	static const char zeros[65536];

	if (!chunk || chunk > sizeof(zeros))
		chunk = sizeof(zeros);

	for (uint64_t at = 0; at < size;) {
		uint64_t rest = size - at;
		ssize_t n = write(fd, zeros, rest < chunk ? (size_t)rest : chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		at += (uint64_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

static int open_file(void)
{
	const char *dir = pmk_object_directory();
	char path[4096];
	int fd;

	if (!dir)
		return -ENOENT;
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/pmkit-XXXXXX", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

int pmk_object_open(enum pmk_backing backing, uint64_t size)
{
	int fd, r;

	if (backing == PMK_BACKING_FILE)
		fd = open_file();
	else if (backing == PMK_BACKING_SECRET)
		fd = (int)syscall(SYS_MEMFD_SECRET, O_CLOEXEC);
	else
		fd = memfd_create("pmkit", MFD_CLOEXEC);
	if (fd < 0)
		return backing == PMK_BACKING_FILE ? fd : -errno;
	if (backing ==
	    PMK_BACKING_FILE) /* page by page: a folio is as long as the write that made it */
		r = pmk_object_fill(fd, size, size > SMALL ? 0 : (size_t)sysconf(_SC_PAGESIZE));
	else
		r = ftruncate(fd, (off_t)size) ? -errno : 0;
	if (!r)
		return fd;
	close(fd);
	return r;
}

/* As little of an ELF file as lib/buildid.c looks at; it takes 64-bit ones on every kernel. */
int pmk_object_make_elf(int fd)
{
	static const unsigned char build_id[] = PMK_BUILD_ID;
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr segment;
		Elf64_Nhdr note;
		char owner[4];
		unsigned char id[sizeof(build_id)];
	} file = {
		.head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
				       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB
										 : ELFDATA2MSB,
				       EV_CURRENT },
			  .e_type = ET_DYN,
			  .e_version = EV_CURRENT,
			  .e_phoff = sizeof(Elf64_Ehdr),
			  .e_ehsize = sizeof(Elf64_Ehdr),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1 },
		.note = { sizeof(file.owner), sizeof(file.id), NT_GNU_BUILD_ID },
		.owner = "GNU",
	};
	const size_t at = sizeof(file.head) + sizeof(file.segment);

	file.segment =
		(Elf64_Phdr){ .p_type = PT_NOTE,
			      .p_offset = at,
			      .p_filesz = sizeof(file.note) + sizeof(file.owner) + sizeof(file.id),
			      .p_align = 4 };
	memcpy(file.id, build_id, sizeof(build_id));
	if (pwrite(fd, &file, sizeof(file), 0) != (ssize_t)sizeof(file))
		return -EIO;
	return fsync(fd) ? -errno : 0;
}
