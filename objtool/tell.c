/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tell.c - stdout and stderr. */

#include "tell.h"

#include "term.h"

#include <errno.h>
#include <stdio.h>

void tell_sink(void *arg, enum diag_kind kind, const char *text)
{
    struct buf line = {0};

    (void)arg;
    term_str(&line, text);
    buf_bytes(&line, "", 1);
    fprintf(stderr, "objtool: %s%s\n", kind == DIAG_WARNING ? "warning: " : "",
            line.bad ? "out of memory" : (const char *)line.at);
    buf_free(&line);
}

int tell_print(struct buf *out, int code)
{
    enum status status = OK;

    if (out->bad) {
        fprintf(stderr, "objtool: out of memory\n");
        status = E_NOMEM;
    } else if (fwrite(out->at ? (const char *)out->at : "", 1, out->size, stdout) != out->size ||
               fflush(stdout) != 0) {
        fprintf(stderr, "objtool: cannot write to standard output: %s\n", strerror(errno));
        status = E_SYSTEM;
    }
    buf_free(out);
    return diag_exit_code(status) > code ? diag_exit_code(status) : code;
}

int tell_usage(const char *command)
{
    fprintf(stderr, "Try 'objtool %s --help'.\n", command);
    return diag_exit_code(E_USAGE);
}
