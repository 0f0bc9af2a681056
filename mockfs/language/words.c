/* words.c - the words of the language: tables from the .def files, errnos, signals, flags. */
#include "words.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "pagemapkit.h"

struct name {
	const char *name;
	int value;
};

/* clang-format off */
#define NAME(id) {#id, id}
static const struct name errnos[] = {
	NAME(EPERM), NAME(ENOENT), NAME(ESRCH), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(E2BIG),
	NAME(ENOEXEC), NAME(EBADF), NAME(ECHILD), NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES),
	NAME(EFAULT), NAME(ENOTBLK), NAME(EBUSY), NAME(EEXIST), NAME(EXDEV), NAME(ENODEV),
	NAME(ENOTDIR), NAME(EISDIR), NAME(EINVAL), NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY),
	NAME(ETXTBSY), NAME(EFBIG), NAME(ENOSPC), NAME(ESPIPE), NAME(EROFS), NAME(EMLINK),
	NAME(EPIPE), NAME(EDOM), NAME(ERANGE), NAME(EDEADLK), NAME(ENAMETOOLONG), NAME(ENOLCK),
	NAME(ENOSYS), NAME(ENOTEMPTY), NAME(ELOOP), NAME(ENODATA), NAME(ETIME), NAME(EREMOTE),
	NAME(EPROTO), NAME(EBADMSG), NAME(EOVERFLOW), NAME(EILSEQ), NAME(EUSERS), NAME(ENOTSOCK),
	NAME(EOPNOTSUPP), NAME(ECONNABORTED), NAME(ECONNRESET), NAME(ENOBUFS), NAME(ENOTCONN),
	NAME(ETIMEDOUT), NAME(ECONNREFUSED), NAME(EALREADY), NAME(EINPROGRESS), NAME(ESTALE),
	NAME(EDQUOT), NAME(ECANCELED), NAME(EOWNERDEAD), NAME(ENOTRECOVERABLE), NAME(EHWPOISON),
};

static const struct name signals[] = {
	NAME(SIGHUP), NAME(SIGINT), NAME(SIGQUIT), NAME(SIGILL), NAME(SIGTRAP), NAME(SIGABRT),
	NAME(SIGBUS), NAME(SIGFPE), NAME(SIGKILL), NAME(SIGUSR1), NAME(SIGSEGV), NAME(SIGUSR2),
	NAME(SIGPIPE), NAME(SIGALRM), NAME(SIGTERM), NAME(SIGCHLD), NAME(SIGCONT), NAME(SIGSTOP),
	NAME(SIGSYS),
};
/* clang-format on */

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

const struct pmk_word pmk_word[] = {
#define WORD(type, word, value) { PMK_ARG_##type, word, value },
#include "words.def"
#undef WORD
};
const size_t pmk_nwords = LENGTH(pmk_word);

const char *const pmk_file_name[PMK_FILE_COUNT] = {
	[PMK_FILE_PAGEMAP] = "pagemap",
	[PMK_FILE_MAPS] = "maps",
	[PMK_FILE_CLEAR_REFS] = "clear_refs",
	[PMK_FILE_KPAGECOUNT] = "kpagecount",
	[PMK_FILE_KPAGEFLAGS] = "kpageflags",
	[PMK_FILE_KPAGECGROUP] = "kpagecgroup",
	[PMK_FILE_SMAPS] = "smaps",
	[PMK_FILE_STATUS] = "status",
	[PMK_FILE_STAT] = "stat",
	[PMK_FILE_COMM] = "comm",
	[PMK_FILE_SWAPS] = "swaps",
	[PMK_FILE_PAGE_IDLE] = "page_idle",
};

static int name_value(const struct name *names, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (pmk_word_is(text, len, names[i].name))
			return names[i].value;
	return -1;
}

static const char *value_name(const struct name *names, size_t count, int value)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].value == value)
			return names[i].name;
	return NULL;
}

int pmk_errno_value(const char *name, size_t len)
{
	return name_value(errnos, LENGTH(errnos), name, len);
}

const char *pmk_errno_name(int value)
{
	return value_name(errnos, LENGTH(errnos), value);
}

int pmk_signal_value(const char *name, size_t len)
{
	return name_value(signals, LENGTH(signals), name, len);
}

const char *pmk_signal_name(int value)
{
	return value_name(signals, LENGTH(signals), value);
}

enum pmk_stmt_id pmk_stmt_find(const char *text, size_t len)
{
	/* The lengths decide nearly every comparison: faster here than a binary search. */
	static const unsigned char lengths[PMK_STMT_COUNT] = {
#define STATEMENT(id, kind, subject, word, args, opts, summary) sizeof(word) - 1,
#include "statements.def"
#undef STATEMENT
	};
	unsigned i;

	for (i = 0; i < PMK_STMT_COUNT; i++)
		if (lengths[i] == len && !memcmp(pmk_stmt_info[i].word, text, len))
			break;
	return (enum pmk_stmt_id)i;
}

const struct pmk_word *pmk_word_find(enum pmk_arg_type type, const char *text, size_t len)
{
	for (size_t i = 0; i < pmk_nwords; i++)
		if (pmk_word[i].type == type && pmk_word_is(text, len, pmk_word[i].word))
			return &pmk_word[i];
	return NULL;
}

const char *pmk_word_name(enum pmk_arg_type type, uint64_t value)
{
	for (size_t i = 0; i < pmk_nwords; i++)
		if (pmk_word[i].type == type && pmk_word[i].value == value)
			return pmk_word[i].word;
	return NULL;
}

/* The bits have their names and meanings from the decoder. */
uint64_t pmk_entry_flag(const char *text, size_t len)
{
	for (unsigned bit = PMK_PAGEMAP_FRAME_BITS; bit < 64; bit++) {
		const struct pmk_bit *info = pmk_pagemap_bit(bit);

		if (info && pmk_word_is(text, len, info->name))
			return UINT64_C(1) << bit;
	}
	return 0;
}

/* The decoder also takes lists and any case; a script has one spelling. */
uint64_t pmk_frame_flag(const char *text, size_t len)
{
	uint64_t mask;

	for (size_t i = 0; i < len; i++)
		if (!(text[i] >= 'A' && text[i] <= 'Z') && !(text[i] >= '0' && text[i] <= '9') &&
		    text[i] != '_')
			return 0;
	return pmk_kpageflags_from_names(text, len, &mask) ? 0 : mask;
}

void pmk_categories_print(uint64_t mask, char between, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "%s", mask ? "" : "none");

	for (uint64_t bit = 1; bit && len < size; bit <<= 1) {
		const char *name = pmk_word_name(PMK_ARG_CATEGORYWORDS, bit);

		if (!(mask & bit))
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%.*s", len != 0, &between);
		if (name && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s", name);
		else if (len < size)
			len += (size_t)snprintf(buf + len, size - len, "%#" PRIx64, bit);
	}
}

uint64_t pmk_entry_flags_known(void)
{
	uint64_t known = 0;

	for (unsigned bit = PMK_PAGEMAP_FRAME_BITS; bit < 64; bit++)
		if (pmk_pagemap_bit(bit))
			known |= UINT64_C(1) << bit;
	return known;
}

/* ---- guesses -------------------------------------------------------------------------------- */

#define GUESS_MAX 24u

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Insertions, deletions, changes and swaps of neighbours that make b from a; case costs nothing.  More than `most`
 * are not counted to the end. */
static unsigned edit_distance(const char *a, size_t alen, const char *b, size_t blen, unsigned most)
{
	unsigned d[GUESS_MAX + 1][GUESS_MAX + 1];

	for (unsigned i = 0; i <= alen; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= blen; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned nearest = d[i][0];

		for (size_t j = 1; j <= blen; j++) {
			unsigned change = d[i - 1][j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));

			d[i][j] = least(change, 1 + least(d[i - 1][j], d[i][j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], 1 + d[i - 2][j - 2]);
			nearest = least(nearest, d[i][j]);
		}
		if (nearest > most + 1) /* a swap looks one row further back */
			return nearest;
	}
	return d[alen][blen];
}

void pmk_guess_try(struct pmk_guess *guess, const char *word)
{
	size_t len = strlen(word);
	/* A word of two letters is two edits away from everything short: at least half must stay. */
	size_t shorter = len < guess->len ? len : guess->len, longer = len + guess->len - shorter;
	unsigned distance, most = shorter < 4 ? (unsigned)shorter / 2 : 2;

	if (longer > GUESS_MAX || longer - shorter > most ||
	    pmk_word_is(guess->text, guess->len, word))
		return;
	distance = edit_distance(guess->text, guess->len, word, len, most);
	if (distance > most)
		return;
	if (!guess->best || distance < guess->distance) {
		guess->best = word;
		guess->distance = distance;
	}
}

const char *pmk_guess_stmt(const char *text, size_t len)
{
	struct pmk_guess guess = { .text = text, .len = len };

	for (size_t i = 0; i < PMK_STMT_COUNT; i++)
		pmk_guess_try(&guess, pmk_stmt_info[i].word);
	return guess.best;
}

static void guess_bits(struct pmk_guess *guess, const struct pmk_bit *(*info)(unsigned))
{
	for (unsigned bit = 0; bit < 64; bit++)
		if (info(bit))
			pmk_guess_try(guess, info(bit)->name);
}

const char *pmk_guess_word(enum pmk_arg_type type, const char *text, size_t len)
{
	struct pmk_guess guess = { .text = text, .len = len };

	for (size_t i = 0; i < pmk_nwords; i++)
		if (pmk_word[i].type == type)
			pmk_guess_try(&guess, pmk_word[i].word);
	if (type == PMK_ARG_ENTRYWORDS) {
		pmk_guess_try(&guess, "none");
		guess_bits(&guess, pmk_pagemap_bit);
	}
	if (type == PMK_ARG_FRAMEWORDS)
		guess_bits(&guess, pmk_kpageflags_bit);
	if (type == PMK_ARG_FAILURE)
		for (size_t i = 0; i < LENGTH(errnos); i++)
			pmk_guess_try(&guess, errnos[i].name);
	return guess.best;
}
