/* SPDX-License-Identifier: MIT */
/* bad_adapter.c - an adapter that misbehaves at every question, in one of the ways of grade_test.c. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

static void hang(void)
{
	for (;;)
		pause();
}

/* Says on standard error, once, that it was asked. */
static void told(void)
{
	if (write(2, "!", 1) == 1)
		hang();
}

static void flood(void)
{
	for (;;)
		fputs("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", stdout);
}

static void crash(void)
{
	raise(SIGKILL);
}

static void leave(void)
{
	exit(3);
}

static void shut(void)
{
	close(1);
	hang();
}

/* Children that outlive it, and keep its standard output open. */
static void fork_away(void)
{
	for (int i = 0; i < 20; i++)
		if (fork() == 0)
			hang();
	_exit(0);
}

static void garbage(void)
{
	say("\xff\xfe not JSON \"<&>\n");
}

static void two(void)
{
	say("{\"state\":\"absent\"}\n{\"state\":\"absent\"}\n");
}

static void typo(void)
{
	say("{\"sate\":\"absent\"}\n");
}

static void wrong_type(void)
{
	say("{\"state\":7}\n");
}

static void skip(void)
{
	say("{\"skip\":\"not on Tuesdays\"}\n");
}

static void wrong(void)
{
	say("{\"state\":\"absent\"}\n");
}

static const struct {
	const char *mode;
	void (*answer)(void);
} modes[] = {
	{ "told", told },   { "hang", hang }, { "flood", flood },	    { "crash", crash },
	{ "leave", leave }, { "shut", shut }, { "fork", fork_away },	    { "garbage", garbage },
	{ "two", two },	    { "typo", typo }, { "wrong-type", wrong_type }, { "skip", skip },
	{ "wrong", wrong }
};

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	char line[4096];

	if (!strcmp(mode, "mute"))
		return 4;
	if (!strcmp(mode, "rude"))
		say("{\"adapter\":\"rude\",\"page\":[\"sate\"]}\n");
	else if (!strcmp(mode, "early"))
		say("{\"adapter\":\"early\",\"page\":[\"state\"]}\n{\"state\":\"swapped\"}\n");
	else
		say("{\"adapter\":\"bad\",\"page\":[\"state\"]}\n");
	while (fgets(line, sizeof(line), stdin))
		for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
			if (!strcmp(modes[i].mode, mode))
				modes[i].answer();
	return 0;
}
