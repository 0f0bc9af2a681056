/* SPDX-License-Identifier: MIT */
/* save.c - a file that appears complete or not at all. */
#include "save.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

static int save_error(const char *path, struct pmk_error *err)
{
	return pmk_error_set(err, path, 0, 0, "%s", strerror(errno));
}

/* Closes the file and puts it in its place; what could not be written completely goes. */
static int finish(FILE *out, int result, const char *temporary, const char *path)
{
	int error = errno;

	if (fclose(out) != 0 && !result) {
		result = -1;
		error = errno;
	}
	if (!result && rename(temporary, path) == 0)
		return 0;
	if (!result)
		error = errno;
	unlink(temporary);
	errno = error;
	return -1;
}

int pmk_save(const char *path, pmk_save_fn *write, const void *data, struct pmk_error *err)
{
	size_t size = strlen(path) + 32;
	char *temporary;
	struct stat st;
	FILE *out;
	int result;

	if (!strcmp(path, "-"))
		return write(stdout, data) || fflush(stdout) ? save_error("stdout", err) : 0;
	temporary = pmk_alloc(size);
	snprintf(temporary, size, "%s.%ld.tmp", path, (long)getpid());
	out = fopen(temporary, "we");
	if (out && stat(path, &st) == 0)
		fchmod(fileno(out), st.st_mode & 0777);
	result = out ? finish(out, write(out, data), temporary, path) : -1;
	if (result)
		save_error(path, err);
	free(temporary);
	return result;
}
