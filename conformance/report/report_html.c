/* SPDX-License-Identifier: MIT */
/* report_html.c - style and script of the HTML report: one file, nothing is fetched. */
#include "report_html.h"

/* clang-format off */
const char pmk_html_head[] =
"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
"<title>pmkit test</title>\n<style>\n"
":root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --soft: #667; --line: #dde;\n"
"  --pass: #1a7f37; --fail: #cf222e; --skip: #7d8590; --broken: #9a6700; }\n"
"@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --paper: #15181c; --soft: #9aa4ad;\n"
"  --line: #2c3238; --pass: #3fb950; --fail: #ff6a61; --skip: #848d97; --broken: #d29922; } }\n"
"body { font: 15px/1.4 system-ui, sans-serif; color: var(--ink); background: var(--paper);\n"
"  max-width: 72em; margin: 1.5em auto; padding: 0 1em; }\n"
"h1 { font-size: 1.4em; margin: 0; } .kernel, .about, .why { color: var(--soft); }\n"
"table { border-collapse: collapse; } td, th { padding: .3em .7em; text-align: left; }\n"
".counts td { text-align: right; font-variant-numeric: tabular-nums; } .counts .why { text-align: left; }\n"
"#matrix { width: 100%; margin-top: .6em; } #matrix td { border-top: 1px solid var(--line); vertical-align: top; }\n"
"#matrix thead th { position: sticky; top: 0; background: var(--paper); }\n"
".row { cursor: pointer; } .row:hover, .row:focus { background: color-mix(in srgb, var(--ink) 6%, transparent); }\n"
".about { font-size: .9em; } .clause { font-size: .8em; color: var(--soft); border-bottom: 1px dotted; }\n"
".cell { text-align: center; font-weight: 600; width: 6em; }\n"
".zero { color: var(--line); } .pass { color: var(--pass); } .fail { color: var(--fail); }\n"
".skip { color: var(--skip); } .broken { color: var(--broken); }\n"
".cell.fail, .cell.broken { background: color-mix(in srgb, currentColor 16%, transparent); }\n"
".cell.pass { background: color-mix(in srgb, currentColor 10%, transparent); }\n"
".details p { margin: .3em 0; } code { white-space: pre-wrap; overflow-wrap: anywhere; }\n"
"#filter { font: inherit; padding: .3em .6em; width: 24em; max-width: 100%; } label { margin-left: 1em; }\n"
"</style>\n</head>\n<body>\n<h1>pmkit test</h1>\n";

const char pmk_html_filter[] =
"<p><input id=\"filter\" type=\"search\" placeholder=\"script, clause or reason\" aria-label=\"filter\">"
"<label><input type=\"checkbox\" value=\"pass\" checked> pass</label>"
"<label><input type=\"checkbox\" value=\"fail\" checked> fail</label>"
"<label><input type=\"checkbox\" value=\"skip\" checked> skip</label>"
"<label><input type=\"checkbox\" value=\"broken\" checked> broken</label>"
" <span id=\"shown\" class=\"why\"></span></p>\n";

const char pmk_html_tail[] =
"<script>\n'use strict';\n"
"const rows = [...document.querySelectorAll('.row')];\n"
"const text = document.getElementById('filter');\n"
"const boxes = [...document.querySelectorAll('input[type=checkbox]')];\n"
"function filter() {\n"
"  const word = text.value.toLowerCase();\n"
"  const verdicts = boxes.filter(b => b.checked).map(b => b.value);\n"
"  let n = 0;\n"
"  for (const row of rows) {\n"
"    const all = (row.textContent + row.nextElementSibling.textContent).toLowerCase();\n"
"    const cells = [...row.querySelectorAll('.cell')];\n"
"    const show = all.includes(word) && cells.some(c => verdicts.includes(c.textContent));\n"
"    row.hidden = !show;\n"
"    n += show;\n"
"    if (!show) row.nextElementSibling.hidden = true;\n"
"  }\n"
"  document.getElementById('shown').textContent = n + ' of ' + rows.length;\n"
"}\n"
"function toggle(row) { row.nextElementSibling.hidden = !row.nextElementSibling.hidden; }\n"
"for (const row of rows) {\n"
"  row.addEventListener('click', () => toggle(row));\n"
"  row.addEventListener('keydown', e => { if (e.key === 'Enter') toggle(row); });\n"
"}\n"
"text.addEventListener('input', filter);\n"
"for (const box of boxes) box.addEventListener('change', filter);\n"
"filter();\n</script>\n</body>\n</html>\n";
/* clang-format on */
