/*
 * replay.c - main() of a target without an engine: runs it over files and folders, in order of name.
 *
 * Every input is a memory block of exactly its size, so that ASan sees a read beyond it.  Exit 0: all of
 * them held (else the target aborts, and the last line says which); 2: usage or a file that cannot be read;
 * 77: there was none.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "fuzz.h"

static size_t done;

static int complain(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return 2;
}

static int replay_file(const char *path, size_t size)
{
	FILE *in = fopen(path, "rb");
	uint8_t *data = malloc(size ? size : 1);

	if (!in || !data || fread(data, 1, size, in) != size) {
		if (in)
			fclose(in);
		free(data);
		return complain(path);
	}
	fclose(in);
	fprintf(stderr, "%s\n", path); /* before: an abort comes without a word on the input */
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	done++;
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay(const char *path)
{
	struct dirent **entry;
	struct stat st;
	char name[PATH_MAX];
	int n, err = 0;

	if (stat(path, &st))
		return complain(path);
	if (!S_ISDIR(st.st_mode))
		return replay_file(path, (size_t)st.st_size);
	n = scandir(path, &entry, is_visible, alphasort);
	if (n < 0)
		return complain(path);
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entry[i]->d_name);
		free(entry[i]);
		if (!err)
			err = replay(name);
	}
	free(entry);
	return err;
}

int main(int argc, char **argv)
{
	int err = argc < 2 ? 2 : 0;

	if (err)
		fprintf(stderr, "usage: %s FILE|FOLDER...\n", argv[0]);
	for (int i = 1; i < argc && !err; i++)
		err = replay(argv[i]);
	if (!err)
		printf("%zu inputs: %s\n", done, done ? "all hold" : "skip: nothing to replay");
	return err || done ? err : 77;
}
