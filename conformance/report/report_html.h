/* SPDX-License-Identifier: MIT */
/* report_html.h - the parts of the HTML report that do not depend on results. */
#ifndef PMK_REPORT_HTML_H
#define PMK_REPORT_HTML_H

extern const char pmk_html_head[], pmk_html_filter[], pmk_html_tail[]; /* text */

#endif
