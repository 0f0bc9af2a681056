/* SPDX-License-Identifier: MIT */
/*
 * question.h - what an adapter is asked, and the right answer.
 *
 * Scripts are the questions: `entry` asks about pages, `frame` about frames, `scan` for a scan, `pread`
 * about the pages or frames there and an `open` that must fail about the first, with the rights of the
 * process that calls.  What such a line expects is not looked at: the right answer is what the decoder makes of the words in the
 * model, read with a loop that knows about short reads and the end of the file.
 */
#ifndef PMK_QUESTION_H
#define PMK_QUESTION_H

#include "answer.h"
#include "machine.h"

struct pmk_question {
	enum pmk_ask ask;
	unsigned line; /* of the script */
	int pid; /* PAGE, RANGE, SCAN */
	uint64_t start, end; /* PAGE: the address; RANGE: addresses; FRAME: the PFN */
	struct pmk_scan_arg scan; /* SCAN */
	bool as_process; /* asked with the rights of `opener`, else with all */
	struct pmk_cred opener;
};

/* The question as its line of JSON, newline included: keys in this order, no blanks. */
void pmk_question_json(const struct pmk_question *q, const struct pmk_profile *profile,
		       struct pmk_text *out);
/* "page 0x600007b4 of PID 1000, without rights", for people. */
void pmk_question_print(const struct pmk_question *q, struct pmk_text *out);

struct pmk_key {
	struct pmk_answer answer;
	uint64_t *word; /* what pagemap, or kpageflags, showed; one a sheet */
	bool has_other; /* SCAN where the kernel cannot: what reading pagemap instead would find */
	struct pmk_answer other;
};
/* Reads the machine as a consumer would: faults that the script armed happen here as well. */
void pmk_key_init(struct pmk_key *key, struct pmk_machine *machine, const struct pmk_question *q);
void pmk_key_deinit(struct pmk_key *key);

/*
 * Whether the answer is right in the fields that the adapter says it knows; false, and *why: "swap-kind:
 * expected marker, answered real", with the page before it where there are several.
 */
bool pmk_key_matches(const struct pmk_key *key, const struct pmk_question *q, uint32_t fields,
		     const struct pmk_answer *answer, struct pmk_text *why, struct pmk_text *shown);

#endif
