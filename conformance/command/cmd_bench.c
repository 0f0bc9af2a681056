/* SPDX-License-Identifier: MIT */
/*
 * cmd_bench.c - pmkit bench: what the project promises, as ratios within one run.
 *
 * Machines differ; a ratio against the real kernel, or against a null baseline, measured side by side
 * says the same on all of them.  The two sides of a ratio take turns, and each counts its best round.
 */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "json.h"
#include "pagemapkit.h"
#include "stage.h"

struct row {
	const char *name, *what, *unit;
	double ours, base; /* base 0: the figure stands for itself */
	double wanted;
	bool at_most; /* wanted is a ceiling */
	const char *skip;
};

struct bench {
	bool quick;
	struct row row[16];
	size_t n;
	char dir[64]; /* of the mounts */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add(struct bench *b, struct row row)
{
	b->row[b->n++] = row;
}

static double figure(const struct row *r)
{
	return r->base ? r->ours / r->base : r->ours;
}

static bool reached(const struct row *r)
{
	return r->at_most ? figure(r) <= r->wanted : figure(r) >= r->wanted;
}

/* ---- two sides taking turns --------------------------------------------------------------------- */

/* One round: how many units a second. */
typedef double (*round_fn)(void *ctx);

struct side {
	round_fn run;
	void *ctx;
	double best;
};

static void take_turns(struct side *side, int sides, int rounds)
{
	for (int i = 0; i < rounds; i++)
		for (int k = 0; k < sides; k++) {
			double rate = side[k].run(side[k].ctx);

			if (rate > side[k].best)
				side[k].best = rate;
		}
}

/* ---- decoding ----------------------------------------------------------------------------------- */

struct words {
	uint64_t *word;
	size_t n;
	volatile uint64_t sink;
};

static double round_sum(void *ctx)
{
	struct words *w = ctx;
	uint64_t sum = 0;
	double start = now();

	for (size_t i = 0; i < w->n; i++)
		sum += w->word[i];
	w->sink = sum;
	return (double)w->n / (now() - start);
}

static double round_histogram(void *ctx)
{
	struct words *w = ctx;
	struct pmk_histogram h;
	double start = now();

	pmk_batch_histogram(w->word, w->n, &h);
	w->sink = h.present;
	return (double)w->n / (now() - start);
}

static void bench_decode(struct bench *b)
{
	size_t bytes = b->quick ? 128u << 20 : 1u << 30;
	struct words w = { .n = bytes / 8 };
	struct side side[] = { { round_histogram, &w, 0 }, { round_sum, &w, 0 } };
	struct row row = { "decode", "batch decode against a sum over the same memory", "word/s",
			   .wanted = 0.80 };

	w.word = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w.word == MAP_FAILED) {
		row.skip = "no memory for the words";
		add(b, row);
		return;
	}
	for (size_t i = 0; i < w.n; i++)
		w.word[i] = (i & 7) == 7 ? 0 : (0x81ull << 56 | i) ^ (uint64_t)(i & 3) << 61;
	take_turns(side, 2, 5);
	munmap(w.word, bytes);
	row.ours = side[0].best;
	row.base = side[1].best;
	add(b, row);
}

/* ---- scripts in the model ----------------------------------------------------------------------- */

static const char ten_lines[] = "scenario 1\n"
				"clause K-ANON K-GUARD\n"
				"p: map heap 16 anon private rw\n"
				"p: write heap[0-7]\n"
				"p: read heap[8-11]\n"
				"p: fork q\n"
				"q: write heap[0-3]\n"
				"p: madvise heap[4-7] dontneed\n"
				"q: exit\n"
				"p: pread pagemap heap[0] 128 -> 128\n";

static double round_scripts(void *ctx)
{
	struct pmk_world *w = ctx;
	struct pmk_profile profile;
	struct pmk_error err;
	int n = 0;
	double start = now(), took;

	pmk_profile_usual(&profile);
	do {
		struct pmk_parser *parser =
			pmk_parser_create("bench", ten_lines, sizeof(ten_lines) - 1);
		struct pmk_stage *stage;
		struct pmk_stmt stmt;

		w->ops->reset(w, &profile, &err);
		stage = pmk_stage_create(w);
		while (pmk_parser_next(parser, &stmt, &err) > 0)
			if (pmk_stage_do(stage, "bench", &stmt, &err) != PMK_DONE)
				return 0;
		pmk_stage_destroy(stage);
		pmk_parser_destroy(parser);
		took = now() - start;
	} while (++n % 64 || took < 0.2);
	return n / took;
}

static void bench_scripts(struct bench *b)
{
	struct pmk_world *w = pmk_world_model_create();
	struct side side = { round_scripts, w, 0 };

	take_turns(&side, 1, b->quick ? 2 : 5);
	w->ops->destroy(w);
	add(b, (struct row){ "scripts", "ten-line scripts in the model world, parsed and run",
			     "script/s", .ours = side.best, .wanted = 20000 });
}

#ifdef PMK_FUSE

/* ---- reads through the mount -------------------------------------------------------------------- */

#define BIG (1u << 20)

struct reader {
	int fd;
	uint64_t pos, size; /* the part of the file that is read over and over */
	size_t count; /* of one read */
	double seconds;
	char *buf;
	bool scattered;
};

static double round_read(void *ctx)
{
	struct reader *r = ctx;
	uint64_t at = 0, x = 88172645463325252ull, n = 0;
	double start = now(), took;

	do {
		for (int i = 0; i < 64; i++, n++) {
			if (r->scattered) {
				x ^= x << 13, x ^= x >> 7, x ^= x << 17;
				at = x % (r->size / r->count) * r->count;
			}
			if (pread(r->fd, r->buf, r->count, (off_t)(r->pos + at)) !=
			    (ssize_t)r->count)
				return 0;
			at = at + 2 * r->count > r->size ? 0 : at + r->count;
			if (r->count == BIG && now() - start > r->seconds) {
				n++;
				break;
			}
		}
		took = now() - start;
	} while (took < r->seconds);
	return (double)n * (double)r->count / took;
}

/* ---- servers: pmkit mount, in a process of its own ----------------------------------------------- */

/* Who serves a mount must not wait for it: the kernel would not even let it be killed. */
struct server {
	char script[96], dir[96];
	pid_t pid;
};

static int write_script(const char *path, void (*write)(FILE *out))
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	write(f);
	return fclose(f);
}

/* Until the file answers, or the server has ended. */
static bool answers(struct server *s, const char *file)
{
	char path[160];
	uint64_t word;

	snprintf(path, sizeof(path), "%s/%s", s->dir, file);
	for (double start = now(); now() - start < 20;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0) {
			bool ok = pread(fd, &word, 8, 0) == 8;

			close(fd);
			return ok;
		}
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
			s->pid = 0;
			return false;
		}
		usleep(500);
	}
	return false;
}

static bool start_server(struct server *s, const char *base, const char *name,
			 void (*write)(FILE *out), const char *file, double *ret_seconds)
{
	struct pmk_profile profile;
	double start;

	pmk_profile_usual(&profile); /* with a zero page, so that loads cost no memory */
	snprintf(s->script, sizeof(s->script), "%s.%s.pmk", base, name);
	snprintf(s->dir, sizeof(s->dir), "%s.%s", base, name);
	if (write_script(s->script, write) || mkdir(s->dir, 0700))
		return false;
	start = now();
	s->pid = fork();
	if (!s->pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl("/proc/self/exe", "pmkit", "mount", "-f", "--as", profile.name, "--null",
		      "--privilege", "always", s->script, s->dir, (char *)NULL);
		_exit(127);
	}
	if (s->pid < 0 || !answers(s, file))
		return false;
	*ret_seconds = now() - start;
	return true;
}

/* Its peak memory in MiB. */
static double stop_server(struct server *s)
{
	struct rusage usage = { .ru_maxrss = 0 };

	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		wait4(s->pid, NULL, 0, &usage);
	}
	rmdir(s->dir);
	unlink(s->script);
	return (double)usage.ru_maxrss / 1024;
}

/* ---- reads and scans ------------------------------------------------------------------------------ */

#define PAGES	   131072 /* exactly BIG bytes of entries */
#define SCAN_PAGES 1000000
#define HEAP_PAGE  0x100000ull /* where the script puts them */
#define SCAN_PAGE  0x200000ull

static void write_target(FILE *out)
{
	fprintf(out,
		"scenario 1\np: given-process pid=1000\n"
		"p: map heap %d anon private rw at=%#llx\np: write heap\n"
		"p: map wide %d anon private rw at=%#llx\np: read wide\n",
		PAGES, HEAP_PAGE << 12, SCAN_PAGES, SCAN_PAGE << 12);
}

static int open_in(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* So many written small pages of our own, for the real pagemap. */
static char *real_pages(size_t n, size_t page)
{
	char *p = mmap(NULL, n * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, n * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < n; i++)
		p[i * page] = 1;
	return p;
}

/* Reads of 1 MiB: the mock's file against the real one. */
static void against_real(struct bench *b, const char *row_name, const char *what,
			 struct reader ours, struct reader real, double wanted)
{
	struct row row = { row_name, what, "B/s", .wanted = wanted };
	struct side side[] = { { round_read, &ours, 0 }, { round_read, &real, 0 } };

	if (ours.fd < 0 || real.fd < 0) {
		row.skip = ours.fd < 0 ? "the mock's file does not open"
				       : "the real file does not open (it takes root)";
	} else {
		take_turns(side, 2, b->quick ? 2 : 5);
		row.ours = side[0].best;
		row.base = side[1].best;
	}
	add(b, row);
}

static void bench_reads(struct bench *b, struct server *t)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *buf = mmap(NULL, BIG, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	char *pages = real_pages(PAGES, page);
	double seconds = b->quick ? 0.15 : 0.4;
	struct reader ours = { .count = BIG, .size = BIG, .buf = buf, .seconds = seconds };
	struct reader real = ours, null = ours;
	struct side side[2];

	ours.fd = open_in(t->dir, "1000/pagemap");
	ours.pos = HEAP_PAGE * 8;
	real.fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	real.pos = (uint64_t)(uintptr_t)pages / page * 8;
	against_real(b, "pagemap", "1 MiB reads of the mock against the real pagemap, 4K pages",
		     ours, real, 15);
	close(real.fd);
	close(ours.fd);
	ours.fd = open_in(t->dir, "kpageflags");
	ours.pos = 0x1000 * 8;
	real.fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	real.pos = 0x10000 * 8;
	against_real(b, "kpageflags", "1 MiB reads of the mock against the real kpageflags", ours,
		     real, 30);
	close(ours.fd);
	close(real.fd);

	ours.fd = open_in(t->dir, "1000/pagemap");
	null.fd = open_in(t->dir, "null");
	ours.pos = HEAP_PAGE * 8;
	null.pos = 0;
	ours.count = null.count = 8;
	ours.scattered = null.scattered = true;
	side[0] = (struct side){ round_read, &ours, 0 };
	side[1] = (struct side){ round_read, &null, 0 };
	take_turns(side, 2, b->quick ? 4 : 10);
	add(b, (struct row){ "pread8", "8-byte reads of the mock against an empty FUSE file", "B/s",
			     side[0].best, side[1].best, 0.90, .skip = NULL });
	close(ours.fd);
	close(null.fd);
	munmap(buf, BIG);
	if (pages)
		munmap(pages, (size_t)PAGES * page);
}

struct scanner {
	int fd;
	uint64_t start;
	size_t page;
	struct pmk_scan_region region[8];
};

/* Pages a second of one PAGEMAP_SCAN over all of them. */
static double round_scan(void *ctx)
{
	struct scanner *s = ctx;
	struct pmk_scan_arg arg = { .size = sizeof(arg),
				    .start = s->start,
				    .end = s->start + SCAN_PAGES * s->page,
				    .vec = (uintptr_t)s->region,
				    .vec_len = 8,
				    .category_mask = PMK_SCAN_PRESENT_MASK,
				    .return_mask = PMK_SCAN_PRESENT_MASK };
	double start = now();

	if (ioctl(s->fd, PMK_SCAN_IOCTL, &arg) < 1 || arg.walk_end != arg.end)
		return 0;
	return SCAN_PAGES / (now() - start);
}

static void bench_scan(struct bench *b, struct server *t)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *wide = mmap(NULL, SCAN_PAGES * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct row row = { "scan", "PAGEMAP_SCAN of 1,000,000 pages, mock against real", "page/s",
			   .wanted = 1 };
	struct scanner ours = { .start = SCAN_PAGE << 12, .page = 4096 };
	struct scanner real = { .start = (uintptr_t)wide, .page = page };
	struct side side[] = { { round_scan, &ours, 0 }, { round_scan, &real, 0 } };

	if (wide == MAP_FAILED)
		return;
	madvise(wide, SCAN_PAGES * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < SCAN_PAGES;
	     i++) /* as in the script: the zero page, in page tables */
		(void)*(volatile char *)&wide[i * page];
	ours.fd = open_in(t->dir, "1000/pagemap");
	real.fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	take_turns(side, 2, b->quick ? 3 : 10);
	row.ours = side[0].best;
	row.base = side[1].best;
	if (!row.base || !row.ours)
		row.skip = row.base ? "the mock does not scan" : "this kernel has no PAGEMAP_SCAN";
	add(b, row);
	close(ours.fd);
	close(real.fd);
	munmap(wide, SCAN_PAGES * page);
}

/* ---- the large scenario ------------------------------------------------------------------------- */

#define LARGE_PROCESSES 10000
#define LARGE_VMAS	10 /* of each */

/* 1 TiB of RAM, nearly all of it written: 100 MiB a process. */
static void write_large(FILE *out)
{
	fputs("scenario 1\nram 0-0xbffff,0x100000-0x1003ffff\n", out);
	for (int p = 0; p < LARGE_PROCESSES; p++) {
		fprintf(out, "p%d: given-process pid=%d\n", p, 1000 + p);
		fprintf(out, "p%d: map heap 25600 anon private rw\np%d: write heap\n", p, p);
		for (int v = 1; v < LARGE_VMAS; v++)
			fprintf(out, "p%d: map r%d 16 anon private rw\n", p, v);
	}
}

static void bench_large(struct bench *b)
{
	struct row time = { "large", "1 TiB, 100,000 VMAs, 10,000 processes: until it answers",
			    "ms", .wanted = 200, .at_most = true };
	struct row size = { "large-memory", "the same: peak memory of the server", "MiB",
			    .wanted = 64, .at_most = true };
	struct server s = { .pid = 0 };
	char last[32];
	double seconds;

	snprintf(last, sizeof(last), "%d/pagemap", 1000 + LARGE_PROCESSES - 1);
	if (!start_server(&s, b->dir, "large", write_large, last, &seconds))
		time.skip = size.skip = "no FUSE mount";
	else
		time.ours = seconds * 1e3;
	size.ours = stop_server(&s);
	add(b, time);
	add(b, size);
}

/* ---- starting a command ------------------------------------------------------------------------- */

extern char **environ;

/* How many times a second the command could be started and ended; 0: it cannot. */
static double round_start(void *ctx)
{
	char **argv = ctx;
	double start = now();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) || waitpid(pid, &status, 0) < 0)
		return 0;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 1 / (now() - start) : 0;
}

static void bench_start(struct bench *b)
{
	char exe[4096] = "",
	     *run[] = { exe, (char *)"run", (char *)"swap-heavy", (char *)"true", NULL };
	char *bare[] = { (char *)"unshare", (char *)(geteuid() ? "-Urmpf" : "-mpf"),
			 (char *)"--mount-proc", (char *)"true", NULL };
	struct side side[] = { { round_start, run, 0 }, { round_start, bare, 0 } };
	struct row time = { "start", "pmkit run of true, from start to end", "ms", .wanted = 30,
			    .at_most = true };
	struct row ratio = { "start-ratio", "the same against unshare(1) of true, with a new proc",
			     "ms", .wanted = 3, .at_most = true };

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0)
		take_turns(side, 2, b->quick ? 10 : 50);
	if (!side[0].best)
		time.skip = "pmkit run cannot";
	if (!side[0].best || !side[1].best)
		ratio.skip = "unshare cannot";
	time.ours = ratio.ours = 1e3 / side[0].best;
	ratio.base = 1e3 / side[1].best;
	add(b, time);
	add(b, ratio);
}

static void bench_mount(struct bench *b)
{
	struct server s = { .pid = 0 };
	const char *tmp = getenv("TMPDIR");
	double seconds;

	snprintf(b->dir, sizeof(b->dir), "%.40s/pmkit-bench-%d", tmp ? tmp : "/tmp", (int)getpid());
	bench_start(b);
	bench_large(b);
	if (start_server(&s, b->dir, "reads", write_target, "1000/pagemap", &seconds)) {
		bench_reads(b, &s);
		bench_scan(b, &s);
	} else {
		add(b,
		    (struct row){ "mount", "reads through a mount", "", .skip = "no FUSE mount" });
	}
	stop_server(&s);
}
#else
static void bench_mount(struct bench *b)
{
	add(b, (struct row){ "mount", "reads through a mount", "", .skip = "built without FUSE" });
}
#endif

/* ---- reporting ---------------------------------------------------------------------------------- */

static void human(double v, const char *unit, char *buf, size_t size)
{
	static const char *const prefix[] = { "", "k", "M", "G", "T" };
	int i = 0;

	while (v >= 1000 && i < 4)
		v /= 1000, i++;
	snprintf(buf, size, "%.3g %s%s", v, prefix[i], unit);
}

static void print_row(const struct row *r)
{
	char ours[32], base[32] = "", ratio[32];

	if (r->skip) {
		printf("%-13s skipped: %s\n", r->name, r->skip);
		return;
	}
	human(r->ours, r->unit, ours, sizeof(ours));
	if (r->base)
		human(r->base, r->unit, base, sizeof(base));
	snprintf(ratio, sizeof(ratio), r->base ? "%.2fx" : "%.0f", figure(r));
	printf("%-13s %14s %14s %10s  %s %.6g  %s  %s\n", r->name, ours, base, ratio,
	       r->at_most ? "<=" : ">=", r->wanted, reached(r) ? "ok  " : "MISS", r->what);
	fflush(stdout);
}

static void write_json(const struct bench *b, FILE *out)
{
	struct pmk_json j = { .out = out };

	pmk_json_open(&j, NULL, '{');
	pmk_json_open(&j, "bench", '[');
	for (size_t i = 0; i < b->n; i++) {
		const struct row *r = &b->row[i];

		pmk_json_open(&j, NULL, '{');
		pmk_json_string(&j, "name", r->name);
		pmk_json_string(&j, "what", r->what);
		pmk_json_string(&j, "unit", r->unit);
		if (r->skip) {
			pmk_json_string(&j, "skipped", r->skip);
		} else {
			pmk_json_seconds(&j, "ours", r->ours);
			pmk_json_seconds(&j, "base", r->base);
			pmk_json_seconds(&j, "figure", figure(r));
			pmk_json_seconds(&j, "wanted", r->wanted);
			pmk_json_bool(&j, "reached", reached(r));
		}
		pmk_json_close(&j, '}');
	}
	pmk_json_close(&j, ']');
	pmk_json_close(&j, '}');
	fputc('\n', out);
}

int pmk_cmd_bench(int argc, char **argv)
{
	static void (*const parts[])(struct bench *) = { bench_mount, bench_decode, bench_scripts };
	struct bench b = { 0 };
	const char *json = NULL;
	const struct pmk_option options[] = { { "--quick", &b.quick, NULL },
					      { "--json", NULL, &json } };
	size_t printed = 0;
	FILE *out;

	if (pmk_options(options, 2, argc, argv) != 0)
		return pmk_usage("bench", "expected [--quick] [--json FILE]");
	printf("%-13s %14s %14s %10s\n", "", "ours", "baseline", "figure");
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		for (parts[i](&b); printed < b.n; printed++)
			print_row(&b.row[printed]);
	if (!json)
		return 0;
	out = strcmp(json, "-") ? fopen(json, "w") : stdout;
	if (!out)
		return pmk_usage("bench", "%s: %s", json, strerror(errno));
	write_json(&b, out);
	return out == stdout ? 0 : fclose(out) ? PMK_EXIT_FAILED : 0;
}
