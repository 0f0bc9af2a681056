/* SPDX-License-Identifier: MIT */
/*
 * fuzz_reader.c - a small consumer with a mistake that takes a few steps to reach: it counts the swap areas that a process's
 * pages are in, in an array that knows only areas and no markers.  Built with afl-clang-fast it is run in persistent mode.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS 64

static void read_mapping(int fd, uint64_t first, uint64_t pages, unsigned area[28])
{
	uint64_t word[WORDS];
	ssize_t n = pread(fd, word, (pages < WORDS ? pages : WORDS) * 8, (off_t)(first * 8));

	for (ssize_t i = 0; i < n / 8; i++) {
		if (!(word[i] >> 62 & 1))
			continue;
		if ((word[i] & 31) >= 28)
			abort(); /* an array without its fence would be written beyond */
		area[word[i] & 31]++;
	}
}

static int count(const char *pid)
{
	unsigned area[28] = { 0 };
	char path[64], line[4352];
	uint64_t start, end;
	FILE *maps;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "r");
	if (!maps)
		return 1;
	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	fd = open(path, O_RDONLY);
	while (fd >= 0 && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2)
			read_mapping(fd, start / 4096, (end - start) / 4096, area);
	fclose(maps);
	if (fd >= 0)
		close(fd);
	printf("%u\n", area[0]);
	return fd < 0;
}

int main(int argc, char **argv)
{
	int status = 2;

	if (argc != 2)
		return status;
#if defined(__AFL_LOOP) && !defined(FORKED)
	while (__AFL_LOOP(10000))
#endif
		status = count(argv[1]);
	return status;
}
