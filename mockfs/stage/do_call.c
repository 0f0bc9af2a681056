/* do_call.c - calls on files. */
#include "act.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* "rdonly+direct" to O_RDONLY | O_DIRECT. */
static int open_flags(struct pmk_act *a, const struct pmk_arg *arg)
{
	static const struct {
		const char *word;
		int flag;
	} words[] = {
		{ "rdonly", O_RDONLY },	    { "wronly", O_WRONLY },   { "rdwr", O_RDWR },
		{ "direct", O_DIRECT },	    { "append", O_APPEND },   { "trunc", O_TRUNC },
		{ "path", O_PATH },	    { "creat", O_CREAT },     { "excl", O_EXCL },
		{ "nonblock", O_NONBLOCK }, { "cloexec", O_CLOEXEC },
	};
	int flags = 0;

	for (const char *at = arg->text, *next; *at; at = next) {
		size_t len = strcspn(at, "+"), i;

		next = at + len + (at[len] == '+');
		for (i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (strlen(words[i].word) == len && !memcmp(words[i].word, at, len))
				break;
		if (i == sizeof(words) / sizeof(*words))
			return pmk_act_fail(
				a, arg->col,
				"flags=%s: expected rdonly, wronly, rdwr, direct, append, "
				"trunc, path, creat, excl, nonblock or cloexec, joined by +",
				arg->text);
		flags |= words[i].flag;
	}
	return flags;
}

static int64_t open_file(struct pmk_act *a, const char *name, enum pmk_file file, int target,
			 int flags, bool task)
{
	struct pmk_request r = { .code = PMK_REQ_OPEN,
				 .proc = a->proc,
				 .handle = (int)a->s->nhandles,
				 .file = file,
				 .a = { flags, 0, task, target } };
	int64_t result = pmk_world_request(a->s->world, &r);

	return result < 0 ? result : pmk_stage_add_handle(a->s, a->proc, name, file);
}

int64_t pmk_do_open(struct pmk_act *a)
{
	const struct pmk_arg *arg = a->stmt->arg, *of = pmk_act_opt(a, PMK_OPT_OF),
			     *flags = pmk_act_opt(a, PMK_OPT_FLAGS);
	int target = of ? pmk_stage_proc(a->s, of->text) : a->proc;
	int bits = O_RDONLY;
	int64_t result;

	if (target < 0)
		return pmk_act_fail(a, of->col, "there is no process '%s'", of->text);
	if (flags)
		bits = open_flags(a, flags);
	else if (arg[1].n == PMK_FILE_CLEAR_REFS)
		bits = O_WRONLY;
	if (a->broken)
		return -EINVAL;
	result = open_file(a, arg[0].text, (enum pmk_file)arg[1].n, target, bits,
			   pmk_act_opt(a, PMK_OPT_TASK) != NULL);
	return result < 0 ? result : 0;
}

int pmk_stage_handle(struct pmk_stage *s, int proc, const char *name)
{
	int64_t handle = pmk_names_find(&s->names, 2 * proc + 1, name);
	struct pmk_act a = { .s = s, .proc = proc };

	for (int file = 0; handle < 0 && file < PMK_FILE_COUNT; file++)
		if (!strcmp(pmk_file_name[file], name))
			handle =
				open_file(&a, name, (enum pmk_file)file, proc,
					  file == PMK_FILE_CLEAR_REFS ? O_WRONLY : O_RDONLY, false);
	return (int)handle;
}

static int segments(struct pmk_act *a, const struct pmk_arg *arg, struct pmk_request *r)
{
	if (arg->nspans > PMK_SEGMENTS_MAX)
		return pmk_act_fail(a, arg->col, "at most 16 segments%s", "");
	for (r->nseg = 0; r->nseg < arg->nspans; r->nseg++)
		r->seg[r->nseg] = arg->span[r->nseg].first;
	return 0;
}

int64_t pmk_do_call(struct pmk_act *a)
{
	static const enum pmk_request_code codes[PMK_STMT_COUNT] = {
		[PMK_STMT_CLOSE] = PMK_REQ_CLOSE,     [PMK_STMT_PREAD] = PMK_REQ_PREAD,
		[PMK_STMT_READFD] = PMK_REQ_READFD,   [PMK_STMT_READV] = PMK_REQ_READV,
		[PMK_STMT_PREADV] = PMK_REQ_PREADV,   [PMK_STMT_LSEEK] = PMK_REQ_LSEEK,
		[PMK_STMT_WRITEFD] = PMK_REQ_WRITEFD, [PMK_STMT_IOCTL] = PMK_REQ_IOCTL,
	};
	const struct pmk_arg *arg = a->stmt->arg;
	struct pmk_request r = { .code = codes[a->stmt->id], .proc = a->proc };

	r.handle = pmk_stage_handle(a->s, a->proc, arg[0].text);
	if (r.handle < 0)
		return pmk_act_fail(a, arg[0].col, "this process has no handle '%s'", arg[0].text);
	for (unsigned i = 1; i < a->stmt->nargs; i++) {
		int err = 0;

		switch (pmk_stmt_info[a->stmt->id].args[i]) {
		case PMK_ARG_POSITION:
			err = pmk_act_position(a, &arg[i], r.handle, &r.pos);
			break;
		case PMK_ARG_NUMBERS:
			err = segments(a, &arg[i], &r);
			break;
		case PMK_ARG_STRING:
			r.in = arg[i].text;
			r.len = arg[i].text_len;
			break;
		case PMK_ARG_NUMBER: /* a length; of an ioctl the command */
			r.len = arg[i].negative ? 0 - arg[i].n : arg[i].n;
			r.a[0] = r.code == PMK_REQ_IOCTL ? (int64_t)arg[i].n : 0;
			break;
		case PMK_ARG_WHENCE:
			r.a[0] = (int64_t)arg[i].n;
			break;
		default:
			break;
		}
		if (err)
			return -EINVAL;
	}
	if ((r.code == PMK_REQ_PREAD || r.code == PMK_REQ_READFD) &&
	    pmk_act_buffer(a, PMK_OPT_BUF, &r.a[0]))
		return -EINVAL;
	return pmk_world_request(a->s->world, &r);
}

/* The pages are those of the subject's own region, which is where the other one has its mapping, too. */
int64_t pmk_do_map_file(struct pmk_act *a)
{
	const struct pmk_arg *of = pmk_act_opt(a, PMK_OPT_OF);
	int target = of ? pmk_stage_proc(a->s, of->text) : a->proc;
	struct pmk_request r = { .code = PMK_REQ_MAP_FILE,
				 .proc = a->proc,
				 .a = { 0, 0, 0, target } };
	int asker = a->proc;
	int64_t result;

	if (target < 0)
		return pmk_act_fail(a, of->col, "there is no process '%s'", of->text);
	a->proc = target; /* whose region it is */
	result = pmk_act_spans(a, &a->stmt->arg[0], &r);
	a->proc = asker;
	return result;
}

int64_t pmk_do_syscall(struct pmk_act *a)
{
	const struct pmk_arg *arg = a->stmt->arg, *n = pmk_act_opt(a, PMK_OPT_N);
	struct pmk_request r = { .code = PMK_REQ_SYSCALL,
				 .proc = a->proc,
				 .handle = pmk_stage_handle(a->s, a->proc, arg[1].text),
				 .a = { (int64_t)arg[0].n, n ? (int64_t)n->n : 8 } };

	if (r.handle < 0)
		return pmk_act_fail(a, arg[1].col, "this process has no handle '%s'", arg[1].text);
	return pmk_world_request(a->s->world, &r);
}
