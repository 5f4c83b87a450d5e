/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line.h - the linker's command line: which of its words are inputs. */

#ifndef PLUGIN_LINE_H
#define PLUGIN_LINE_H

#include "base/arena.h"
#include "base/diag.h"

struct line {
    char **words; /* [0] is the program; "@FILE" is replaced */
    int count;
};

/* The command line that this process was started with. */
bool line_read(struct diag *d, struct arena *a, struct line *out);
/* TEXT is the option NAME, with one dash or two. */
bool line_is(const char *text, const char *name);
/* The word behind TEXT is TEXT's value, and no input. */
bool line_takes_value(const char *text);
/* Is word I, which may be the value of another, the option NAME with one dash
   or two?  Its value, behind '=' or in the next word, whose number of words is
   *USED; NULL if not. */
const char *line_value(const struct line *line, int i, const char *name, int *used);
/* The file that -lNAME, word I, means, in A; NULL if word I is no such thing or
   none of the line's directories has the file. */
const char *line_library(const struct line *line, struct arena *a, int i);
/* The next input after word *I that is named by its path; NULL: no more.  *I
   is its word; 0 to begin. */
const char *line_next_path(const struct line *line, int *i);

#endif
