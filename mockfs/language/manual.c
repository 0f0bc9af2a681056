/*
 * manual.c - pmk(5), written from the tables, so that it cannot fall behind them.
 *
 * Prose stands here as plain text, one string a paragraph, in which *word* is bold.
 */
#include <stdio.h>
#include <string.h>

#include "pagemapkit.h"
#include "script.h"
#include "words.h"

/* ---- roff ----------------------------------------------------------------------------------- */

static void put_char(FILE *out, char c)
{
	switch (c) {
	case '\\':
		fputs("\\e", out);
		break;
	case '-':
		fputs("\\-", out);
		break;
	case '\'':
		fputs("\\(aq", out);
		break;
	case '^':
		fputs("\\(ha", out);
		break;
	case '~':
		fputs("\\(ti", out);
		break;
	default:
		fputc(c, out);
		break;
	}
}

/* Text at the start of a line or inside one; a '.' there must not make it a request. */
static void put_plain(FILE *out, const char *s)
{
	if (*s == '.')
		fputs("\\&", out);
	for (; *s; s++)
		put_char(out, *s);
}

static void put_bold(FILE *out, const char *s)
{
	fputs("\\fB", out);
	put_plain(out, s);
	fputs("\\fR", out);
}

static void put_prose(FILE *out, const char *s)
{
	bool bold = false;

	for (; *s; s++) {
		if (*s != '*') {
			put_char(out, *s);
			continue;
		}
		bold = !bold;
		fputs(bold ? "\\fB" : "\\fR", out);
	}
	fputc('\n', out);
}

static void put_example(FILE *out, const char *text)
{
	fputs(".PP\n.RS 4\n.EX\n", out);
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		fputs("\\&", out);
		for (size_t i = 0; i < len; i++)
			put_char(out, line[i]);
		fputc('\n', out);
		line += len + (line[len] == '\n');
	}
	fputs(".EE\n.RE\n", out);
}

static void put_section(FILE *out, const char *title, const char *const *paragraphs)
{
	fprintf(out, ".SH %s\n", title);
	for (size_t i = 0; paragraphs[i]; i++) {
		if (i)
			fputs(".PP\n", out);
		put_prose(out, paragraphs[i]);
	}
}

/* ---- prose ---------------------------------------------------------------------------------- */

static const char *const description[] = {
	"A script says what processes do to their memory and what must then be seen in "
	"/proc/PID/pagemap, /proc/kpageflags, /proc/kpagecount and /proc/kpagecgroup. The same "
	"script runs on a model of the kernel's memory management, on the same model behind a "
	"mounted mock of /proc, and on the running kernel.",
	"A script is a text of lines, one statement a line. There are no blocks, variables, "
	"expressions or loops. The first statement is *scenario 1*.",
	NULL,
};

static const char *const lines[] = {
	"Tokens are separated by blanks or tabs. *#* starts a comment that goes to the end of the "
	"line, except inside a text in quotes. Blank lines mean nothing; a carriage return at the "
	"end of a line is a blank. Other control characters are errors, and so are bytes outside "
	"ASCII, except in comments and texts. A line has at most 65536 bytes.",
	"What a process does or sees starts with the process's name and a colon: *p: read heap*. "
	"A process starts to exist with the first statement that names it, or with *fork*.",
	"A *number* is decimal or, after 0x, hexadecimal, and fits in 64 bits. A *name* is a "
	"letter, then letters, digits, - or _. A *text* stands in double quotes and may contain "
	"\\\" \\\\ \\n \\t \\0 and \\xHH.",
	"*Pages* of a region are written as the kernel writes lists of CPUs: *heap[0-3,8]*. The "
	"name alone means the whole region. A span of any length costs nothing.",
	"Options follow the arguments in any order, each at most once: *key=value*, or the key "
	"alone where it is a switch.",
	NULL,
};

static const char *const results[] = {
	"Operations and calls may end in *-> RESULT*: a number that the call returns, the name of "
	"an errno such as *EINVAL*, or *SIGSEGV* or *SIGBUS* for an access. Without a result they "
	"must succeed; an operation that does not is a broken set-up, not a failure.",
	NULL,
};

static const char *const conditions[] = {
	"Every statement but those about the script may end in *when CONDITION,...*: it is "
	"skipped unless all conditions hold. A condition is the name of a feature, or *!* and the "
	"name for its absence. *pmkit kernels* lists the features and which kernels have them. "
	"*needs* takes the same names for the script as a whole.",
	NULL,
};

static const char *const flags[] = {
	"In *entry*, the flags are those of a pagemap entry. The whole entry is compared: a flag "
	"that is not named must be clear, but soft-dirty may be either; *?flag* lets another be "
	"either, *!flag* says that it is clear, and *none* that all are. If only options are "
	"written, only they are compared. In *given-entry*, what is not named is clear.",
	"In *scan* and *scanned*, they are the categories of PAGEMAP_SCAN. A line *scanned* takes "
	"the next region of the process's last *scan*, in order: so the number after *->* and as "
	"many lines say all that the call did.",
	"In *frame* and *given-frame*, the flags are those of kpageflags, and in *frame* only what "
	"is named is compared; *!FLAG* says that it is clear.",
	NULL,
};

static const char *const canonical[] = {
	"*pmkit fmt* prints it: one blank between tokens, options in the order of this page, PFNs, "
	"addresses and raw words from 10 up in hexadecimal and all other numbers in decimal, "
	"permissions without dashes, comments as they were, one blank line at most in a row and "
	"none at either end. Printing what was parsed and parsing what was printed changes "
	"nothing.",
	NULL,
};

static const char *const errors[] = {
	"An error is one line, *file:line:col: message*, and says what was expected there; for a "
	"misspelt word also which one may have been meant:",
	NULL,
};

static const char *const exit_status[] = {
	"The commands that read scripts exit with *0* when all is well, *1* when something failed "
	"or the script has an error, *2* when the command line is wrong and *77* when nothing "
	"could be run. *pmkit run* exits as its command did.",
	NULL,
};

static const char example[] =
	"# A guard page has the swap bit: who tests bit 62 alone counts it as swapped.\n"
	"scenario 1\n"
	"clause K-GUARD E-B58\n"
	"needs madvise.guard\n"
	"\n"
	"p: map heap 16 anon private rw\n"
	"p: write heap[0-7]\n"
	"p: madvise heap[12] guard-install\n"
	"\n"
	"p: entry heap[0-7] present exclusive pfn>0\n"
	"p: entry heap[8-11] none\n"
	"p: entry heap[12] guard swap type=31 offset=4 when pagemap.guard-bit\n"
	"p: read heap[12] -> SIGSEGV\n"
	"p: pread pagemap heap[0] 12 -> EINVAL\n";

static const char error_example[] =
	"x.pmk:3:4: unknown statement 'mpa'; did you mean 'map'?\n"
	"x.pmk:5:9: expected a number of pages, not the end of the line\n";

/* ---- the tables ----------------------------------------------------------------------------- */

static const struct {
	enum pmk_stmt_kind kind;
	const char *title, *text;
} kinds[] = {
	{ PMK_META, "About the script", "They come first, before all others." },
	{ PMK_GIVEN, "Givens",
	  "States that no process can ask for. The running kernel cannot show them: there the "
	  "script is skipped." },
	{ PMK_OP, "Operations", "What a process does to its memory, or to itself." },
	{ PMK_CALL, "Calls", "A system call on one of the files." },
	{ PMK_FAULT, "Faults", "What the mock does wrong on purpose; in no other world." },
	{ PMK_EXPECT, "Expectations", "What must be seen at that point of the script." },
};

static const char *value_grammar(enum pmk_value_type type)
{
	static const char *const grammar[] = {
		[PMK_VALUE_NONE] = "",		 [PMK_VALUE_FLAG] = "",
		[PMK_VALUE_NUMBER] = "N",	 [PMK_VALUE_SYMBOL] = "N|NAME",
		[PMK_VALUE_NAME] = "NAME",	 [PMK_VALUE_PROC] = "PROCESS",
		[PMK_VALUE_HANDLE] = "HANDLE",	 [PMK_VALUE_WORD] = "WORD",
		[PMK_VALUE_STRING] = "\"TEXT\"", [PMK_VALUE_CATEGORIES] = "CATEGORY+...",
		[PMK_VALUE_ADDRESS] = "ADDRESS",
	};

	return grammar[type];
}

static void put_option(FILE *out, enum pmk_opt_id id)
{
	const struct pmk_opt_info *opt = &pmk_opt_info[id];

	fputs(".TP\n", out);
	put_bold(out, opt->key);
	if (opt->type != PMK_VALUE_FLAG)
		fputs("=", out);
	put_plain(out, value_grammar(opt->type));
	fputc('\n', out);
	put_plain(out, opt->meaning);
	fputs(".\n", out);
}

static void put_statement(FILE *out, const struct pmk_stmt_info *info)
{
	static const char *const subject[] = {
		[PMK_NOBODY] = "",
		[PMK_PROCESS] = "PROCESS: ",
		[PMK_ANYBODY] = "[PROCESS:] ",
	};

	fputs(".TP\n", out);
	put_plain(out, subject[info->subject]);
	put_bold(out, info->word);
	for (unsigned i = 0; info->args[i]; i++) {
		fputc(' ', out);
		put_plain(out, pmk_arg_info[info->args[i]].grammar);
	}
	fputs(info->opts[0] ? " [OPTION...]\n" : "\n", out);
	put_plain(out, info->summary);
	fputs(".\n", out);
	if (!info->opts[0])
		return;
	fputs(".RS\n", out);
	for (unsigned i = 0; info->opts[i]; i++)
		put_option(out, (enum pmk_opt_id)info->opts[i]);
	fputs(".RE\n", out);
}

static void put_statements(FILE *out)
{
	fputs(".SH STATEMENTS\n", out);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		fprintf(out, ".SS %s\n", kinds[k].title);
		put_prose(out, kinds[k].text);
		for (size_t i = 0; i < PMK_STMT_COUNT; i++)
			if (pmk_stmt_info[i].kind == kinds[k].kind)
				put_statement(out, &pmk_stmt_info[i]);
	}
}

static void put_list(FILE *out, const char *word, const char **before)
{
	fputs(*before, out);
	put_bold(out, word);
	*before = ", ";
}

/* The words of the types that have too many for the line that says what they are. */
static void put_type_words(FILE *out, enum pmk_arg_type type)
{
	const char *before = "They are ";

	if (type == PMK_ARG_ADVICE)
		for (size_t i = 0; i < pmk_nwords; i++)
			if (pmk_word[i].type == type)
				put_list(out, pmk_word[i].word, &before);
	if (type == PMK_ARG_FRAMEWORDS)
		for (unsigned bit = 0; bit < 64; bit++)
			if (pmk_kpageflags_bit(bit))
				put_list(out, pmk_kpageflags_bit(bit)->name, &before);
	if (*before == ',')
		fputs(".\n", out);
}

static void put_types(FILE *out)
{
	fputs(".SH ARGUMENTS\n", out);
	for (size_t i = PMK_ARG_NONE + 1; i < PMK_ARG_COUNT; i++) {
		fputs(".TP\n", out);
		put_bold(out, pmk_arg_info[i].grammar);
		fputc('\n', out);
		put_plain(out, pmk_arg_info[i].expected);
		fputs(".\n", out);
		put_type_words(out, (enum pmk_arg_type)i);
	}
}

int pmk_manual_print(FILE *out)
{
	fputs(".\\\" Written by pmkit manual from the tables of the language.\n"
	      ".TH PMK 5 \"\" pagemapkit \"File formats\"\n"
	      ".SH NAME\n"
	      "pmk \\- scripts of what processes do to memory and what /proc then shows\n",
	      out);
	put_section(out, "DESCRIPTION", description);
	put_section(out, "LINES", lines);
	put_statements(out);
	put_types(out);
	put_section(out, "FLAGS", flags);
	put_section(out, "RESULTS", results);
	put_section(out, "CONDITIONS", conditions);
	put_section(out, "CANONICAL FORM", canonical);
	put_section(out, "ERRORS", errors);
	put_example(out, error_example);
	put_section(out, "EXIT STATUS", exit_status);
	fputs(".SH EXAMPLE\n", out);
	put_example(out, example);
	fputs(".SH SEE ALSO\n"
	      "\\fBpmkit\\fR(1), \\fBproc\\fR(5), \\fBmadvise\\fR(2)\n",
	      out);
	return fflush(out) || ferror(out) ? -1 : 0;
}
