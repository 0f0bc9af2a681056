/* stage.c - does a script's givens, operations, calls and faults in a world: names become numbers. */
#include "act.h"

#include <errno.h>
#include <inttypes.h>

#include "alloc.h"
#include "scenario.h"

/* Where regions go: each in page tables of its own, low, but beyond where the heap of a static binary may be
 * (up to 1 GiB behind its end) and below the libraries of 32-bit processes. */
#define FIRST_ADDRESS 0x60000000ull

struct pmk_stage *pmk_stage_create(struct pmk_world *world)
{
	struct pmk_stage *s = pmk_calloc(1, sizeof(*s));

	s->world = world;
	s->next_addr = FIRST_ADDRESS;
	s->scan.proc = s->query.proc = PMK_OBSERVER;
	return s;
}

void pmk_stage_destroy(struct pmk_stage *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nprocs; i++) {
		free(s->proc[i].region);
		free(s->proc[i].handle);
	}
	free(s->proc);
	free(s->region);
	free(s->handle);
	free(s->answer);
	free(s->all);
	free(s->cgroup);
	pmk_names_deinit(&s->names);
	free(s);
}

struct pmk_world *pmk_stage_world(const struct pmk_stage *s)
{
	return s->world;
}

static const struct {
	pmk_do *act; /* OP and CALL */
	pmk_given *given; /* GIVEN and FAULT */
} handlers[PMK_STMT_COUNT] = {
	[PMK_STMT_RAM] = { .given = pmk_given_ram },
	[PMK_STMT_G_FRAME] = { .given = pmk_given_frame },
	[PMK_STMT_G_PROCESS] = { .given = pmk_given_process },
	[PMK_STMT_G_VMA] = { .given = pmk_given_vma },
	[PMK_STMT_G_ENTRY] = { .given = pmk_given_entry },
	[PMK_STMT_FAULT] = { .given = pmk_given_fault },
	[PMK_STMT_FILE] = { .act = pmk_do_object },
	[PMK_STMT_MEMFD] = { .act = pmk_do_object },
	[PMK_STMT_MAP] = { .act = pmk_do_map },
	[PMK_STMT_REGION] = { .act = pmk_do_region },
	[PMK_STMT_READ] = { .act = pmk_do_range },
	[PMK_STMT_WRITE] = { .act = pmk_do_range },
	[PMK_STMT_FILL] = { .act = pmk_do_range },
	[PMK_STMT_MUNMAP] = { .act = pmk_do_range },
	[PMK_STMT_MPROTECT] = { .act = pmk_do_range },
	[PMK_STMT_MADVISE] = { .act = pmk_do_range },
	[PMK_STMT_MREMAP] = { .act = pmk_do_mremap },
	[PMK_STMT_MLOCK] = { .act = pmk_do_range },
	[PMK_STMT_MUNLOCK] = { .act = pmk_do_range },
	[PMK_STMT_MARK_IDLE] = { .act = pmk_do_mark_idle },
	[PMK_STMT_MSYNC] = { .act = pmk_do_range },
	[PMK_STMT_THP] = { .act = pmk_do_plain },
	[PMK_STMT_KSM] = { .act = pmk_do_machine },
	[PMK_STMT_PROC_MOUNT] = { .act = pmk_do_machine },
	[PMK_STMT_CGROUP] = { .act = pmk_do_cgroup },
	[PMK_STMT_CGROUP_REMOVE] = { .act = pmk_do_cgroup_remove },
	[PMK_STMT_FORK] = { .act = pmk_do_fork },
	[PMK_STMT_EXEC] = { .act = pmk_do_plain },
	[PMK_STMT_KTHREAD] = { .act = pmk_do_kernel_thread },
	[PMK_STMT_EXIT] = { .act = pmk_do_plain },
	[PMK_STMT_REAP] = { .act = pmk_do_plain },
	[PMK_STMT_DROP] = { .act = pmk_do_plain },
	[PMK_STMT_SETUID] = { .act = pmk_do_plain },
	[PMK_STMT_SETEUID] = { .act = pmk_do_plain },
	[PMK_STMT_DUMPABLE] = { .act = pmk_do_plain },
	[PMK_STMT_UNSHARE] = { .act = pmk_do_plain },
	[PMK_STMT_CLEAR_REFS] = { .act = pmk_do_clear_refs },
	[PMK_STMT_OPEN] = { .act = pmk_do_open },
	[PMK_STMT_CLOSE] = { .act = pmk_do_call },
	[PMK_STMT_PREAD] = { .act = pmk_do_call },
	[PMK_STMT_READFD] = { .act = pmk_do_call },
	[PMK_STMT_READV] = { .act = pmk_do_call },
	[PMK_STMT_PREADV] = { .act = pmk_do_call },
	[PMK_STMT_LSEEK] = { .act = pmk_do_call },
	[PMK_STMT_WRITEFD] = { .act = pmk_do_call },
	[PMK_STMT_IOCTL] = { .act = pmk_do_call },
	[PMK_STMT_UFFD] = { .act = pmk_do_uffd },
	[PMK_STMT_UFFD_PROTECT] = { .act = pmk_do_uffd },
	[PMK_STMT_UFFD_UNPROTECT] = { .act = pmk_do_uffd },
	[PMK_STMT_UFFD_POISON] = { .act = pmk_do_uffd },
	[PMK_STMT_MAP_FILE] = { .act = pmk_do_map_file },
	[PMK_STMT_SYSCALL] = { .act = pmk_do_syscall },
	[PMK_STMT_SCAN] = { .act = pmk_do_scan },
	[PMK_STMT_SCAN_ALL] = { .act = pmk_do_scan_all },
	[PMK_STMT_PROCMAP_QUERY] = { .act = pmk_do_procmap_query },
};

/* "EINVAL", "SIGSEGV" or a number, for messages. */
static const char *result_name(int64_t result, char *buf, size_t size)
{
	const char *name = NULL;

	if (pmk_is_signal(result))
		name = pmk_signal_name((int)(-100000 - result));
	else if (result < 0 && result > -4096)
		name = pmk_errno_name((int)-result);
	if (name)
		return name;
	snprintf(buf, size, "%" PRId64, result);
	return buf;
}

static int64_t wanted(const struct pmk_stmt *stmt)
{
	switch (stmt->result.kind) {
	case PMK_RESULT_ERRNO:
		return -stmt->result.value;
	case PMK_RESULT_SIGNAL:
		return PMK_SIGNAL(stmt->result.value);
	default:
		return stmt->result.value;
	}
}

static enum pmk_outcome judge(struct pmk_act *a, int64_t result)
{
	const struct pmk_stmt *stmt = a->stmt;
	const struct pmk_stmt_info *info = &pmk_stmt_info[stmt->id];
	char got[32], want[32];

	if (stmt->result.kind == PMK_RESULT_NONE) {
		if (result >= 0)
			return PMK_DONE;
		pmk_error_set(a->err, a->file, stmt->line, 0, "%s: %s, expected success",
			      info->word, result_name(result, got, sizeof(got)));
		return info->kind == PMK_CALL ? PMK_WRONG : PMK_BROKEN;
	}
	if (result == wanted(stmt))
		return PMK_DONE;
	pmk_error_set(a->err, a->file, stmt->line, stmt->result.col, "%s: %s, expected %s",
		      info->word, result_name(result, got, sizeof(got)),
		      result_name(wanted(stmt), want, sizeof(want)));
	return PMK_WRONG;
}

/* The process that the line is about; an operation brings a new one to life. */
static int find_subject(struct pmk_act *a)
{
	const struct pmk_stmt *stmt = a->stmt;
	int64_t proc;

	a->proc = PMK_OBSERVER;
	if (!stmt->subject || stmt->id == PMK_STMT_G_PROCESS)
		return 0;
	proc = pmk_stage_proc(a->s, stmt->subject);
	if (proc < 0)
		proc = pmk_stage_spawn(a->s, stmt->subject, 0, 0, stmt->subject);
	if (proc < 0)
		return pmk_act_fail(a, stmt->subject_col, "process '%s' could not be made",
				    stmt->subject);
	if (a->s->proc[proc].kernel)
		return pmk_act_fail(a, stmt->subject_col,
				    "'%s' is a kernel thread: it makes no calls", stmt->subject);
	a->proc = (int)proc;
	return 0;
}

enum pmk_outcome pmk_stage_do(struct pmk_stage *s, const char *file, const struct pmk_stmt *stmt,
			      struct pmk_error *err)
{
	struct pmk_act a = { .s = s, .file = file, .stmt = stmt, .err = err };
	struct pmk_world *w = s->world;
	char got[32];
	int64_t result;

	if (handlers[stmt->id].act) {
		if (find_subject(&a))
			return PMK_BROKEN;
		result = handlers[stmt->id].act(&a);
		if (a.broken || a.wrong)
			return a.broken ? PMK_BROKEN : PMK_WRONG;
		return judge(&a, result);
	}
	if (!handlers[stmt->id].given)
		return PMK_DONE;
	if (!w->ops->machine || !w->ops->machine(w))
		return PMK_CANNOT;
	if (find_subject(&a))
		return PMK_BROKEN;
	/* spawning is the world's business and takes its own lock */
	if (stmt->id != PMK_STMT_G_PROCESS)
		w->ops->lock(w, true);
	result = handlers[stmt->id].given(&a, w->ops->machine(w));
	if (stmt->id != PMK_STMT_G_PROCESS)
		w->ops->lock(w, false);
	if (result < 0 && !a.broken)
		pmk_error_set(err, file, stmt->line, 0, "%s: %s", pmk_stmt_info[stmt->id].word,
			      result_name(result, got, sizeof(got)));
	return result < 0 ? PMK_BROKEN : PMK_DONE;
}

bool pmk_stage_holds(const struct pmk_stage *s, const char *file, const struct pmk_stmt *stmt,
		     struct pmk_error *err)
{
	for (size_t i = 0; i < stmt->nwhen; i++) {
		const char *name = stmt->when[i];
		bool negated = *name == '!';
		int feature = pmk_feature_find(name + negated);
		const char *why;

		if (feature < 0) {
			pmk_error_set(err, file, stmt->line, stmt->when_col,
				      "unknown feature '%s'; 'pmkit kernels' lists them",
				      name + negated);
			return false;
		}
		if (s->world->ops->has(s->world, (enum pmk_feature)feature, &why) == negated)
			return false;
	}
	return true;
}

static int play_statement(struct pmk_stage *s, const char *path, const struct pmk_stmt *stmt,
			  struct pmk_error *err)
{
	enum pmk_stmt_kind kind = pmk_stmt_info[stmt->id].kind;

	if (kind == PMK_META || kind == PMK_EXPECT)
		return 0;
	if (!pmk_stage_holds(s, path, stmt, err))
		return *err->text ? -1 : 0;
	switch (pmk_stage_do(s, path, stmt, err)) {
	case PMK_BROKEN:
		return -1;
	case PMK_WRONG: /* an expectation about a call: not ours to judge */
		*err->text = 0;
		return 0;
	default:
		return 0;
	}
}

int pmk_stage_play(struct pmk_stage *s, const char *path, const struct pmk_profile *as,
		   struct pmk_error *err)
{
	struct pmk_error ignored;
	struct pmk_profile profile;
	struct pmk_parser *parser;
	struct pmk_stmt stmt;
	bool ready = false;
	size_t len;
	char *text;
	int got, result = -1;

	if (!err)
		err = &ignored;
	*err->text = 0;
	text = pmk_script_read(path, &len, err);
	if (!text)
		return -1;
	if (as)
		profile = *as;
	else
		pmk_profile_host(&profile);
	parser = pmk_parser_create(path, text, len);
	while ((got = pmk_parser_next(parser, &stmt, err)) > 0) {
		if (stmt.id == PMK_STMT_KERNEL && !as &&
		    pmk_profile_parse(stmt.arg[0].text, &profile, err))
			goto out;
		if (pmk_stmt_info[stmt.id].kind == PMK_META)
			continue;
		if (!ready && s->world->ops->reset(s->world, &profile, err))
			goto out;
		ready = true;
		if (play_statement(s, path, &stmt, err))
			goto out;
	}
	if (!got)
		result = ready ? 0 : s->world->ops->reset(s->world, &profile, err);
out:
	pmk_parser_destroy(parser);
	free(text);
	return result;
}
