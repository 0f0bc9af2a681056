/*
 * words.h - the words of the language, looked up by spelling and by value; and what an unknown one
 * may have been meant to be.
 */
#ifndef PMK_WORDS_H
#define PMK_WORDS_H

#include <string.h>

#include "script.h"

/* The enumerated words of words.def. */
struct pmk_word {
	enum pmk_arg_type type;
	const char *word;
	uint64_t value;
};
extern const struct pmk_word pmk_word[];
extern const size_t pmk_nwords;

/* Is `text`, of `len` bytes and without NUL, exactly `word`?  Mostly the first letter says no. */
static inline bool pmk_word_is(const char *text, size_t len, const char *word)
{
	return len && text[0] == word[0] && !strncmp(text, word, len) && !word[len];
}
/* PMK_STMT_COUNT: there is no such statement. */
enum pmk_stmt_id pmk_stmt_find(const char *text, size_t len);
/* NULL: the type has no such word, or none with that value. */
const struct pmk_word *pmk_word_find(enum pmk_arg_type type, const char *text, size_t len);
const char *pmk_word_name(enum pmk_arg_type type, uint64_t value);
/* The mask of one flag by its full name; 0: there is none. */
uint64_t pmk_entry_flag(const char *text, size_t len);
uint64_t pmk_frame_flag(const char *text, size_t len);
/* The categories of a mask, joined by `between`; "none" for 0. */
void pmk_categories_print(uint64_t mask, char between, char *buf, size_t size);
/* Every flag of a pagemap entry that has a name. */
uint64_t pmk_entry_flags_known(void);

/* The known word nearest to what was written, at most two edits away: set text and len, try all, and
 * read best (NULL: none is near). */
struct pmk_guess {
	const char *text;
	size_t len;
	const char *best;
	unsigned distance;
};
void pmk_guess_try(struct pmk_guess *guess, const char *word);
const char *pmk_guess_stmt(const char *text, size_t len);
const char *pmk_guess_word(enum pmk_arg_type type, const char *text, size_t len);

#endif /* PMK_WORDS_H */
