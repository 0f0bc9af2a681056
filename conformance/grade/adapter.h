/* SPDX-License-Identifier: MIT */
/*
 * adapter.h - the adapter as a process: a line out, a line in, within limits.
 *
 * Whoever grades is the init of a PID namespace: when an adapter does not behave, everything that it has
 * started is killed with it, and it begins anew with the next question.
 */
#ifndef PMK_ADAPTER_H
#define PMK_ADAPTER_H

#include <sys/types.h>

#include "answer.h"

/* What became of a question; the names stand in reports. */
enum pmk_grade {
	PMK_GRADE_RIGHT,
	PMK_GRADE_MISS, /* another answer than the right one */
	PMK_GRADE_CRASH, /* it ended instead of answering */
	PMK_GRADE_HANG, /* no answer in time */
	PMK_GRADE_GARBAGE, /* not one line of JSON with known fields */
	PMK_GRADE_FLOOD, /* more than PMK_ANSWER_MAX bytes without a newline */
	PMK_GRADE_SKIP, /* it says that it cannot answer this one */
	PMK_GRADE_COUNT
};
extern const char *const pmk_grade_name[PMK_GRADE_COUNT];

struct pmk_adapter {
	char *const *argv;
	double seconds; /* that it may take for an answer */
	struct pmk_declaration says;
	pid_t pid; /* 0: not running */
	int to, from;
	char *buf; /* PMK_ANSWER_MAX bytes and one */
	size_t len;
};

void pmk_adapter_init(struct pmk_adapter *adapter, char *const *argv, double seconds);
/* Kills it and all that it has started. */
void pmk_adapter_deinit(struct pmk_adapter *adapter);
/* Starts it, unless it runs, and reads its declaration.  0, or -1 and *err. */
int pmk_adapter_start(struct pmk_adapter *adapter, struct pmk_error *err);
/*
 * Sends the question, a line, and waits for the answer, which stands in adapter->buf, adapter->len bytes,
 * until the next call.  PMK_GRADE_RIGHT: there is one; else *why says what happened.
 */
enum pmk_grade pmk_adapter_ask(struct pmk_adapter *adapter, const char *line, size_t len,
			       struct pmk_text *why);
/* It cannot be trusted any more: the next question starts it again. */
void pmk_adapter_stop(struct pmk_adapter *adapter);

#endif
