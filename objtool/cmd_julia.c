/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_julia.c - objtool julia: from a package to an image that Julia starts
 * with, and what an image gives away. */

#include "command.h"
#include "julia.h"
#include "tell.h"

int cmd_julia(int argc, char **argv)
{
    struct arena a = {0};
    struct diag d = {.sink = tell_sink};
    struct julia_command c = {.d = &d, .a = &a};
    struct buf out = {0};
    int code = 0;

    if (!julia_read_command(&c, argc, argv)) {
        code = d.status == E_USAGE ? tell_usage("julia") : diag_exit_code(d.status);
    } else if (c.help) {
        julia_help(&out, c.step);
        code = tell_print(&out, 0);
    } else if (c.step == JULIA_AUDIT) {
        code = julia_audit(&c);
    } else {
        code = julia_run_command(&c);
    }
    arena_free(&a);
    return code;
}
