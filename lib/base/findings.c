/* SPDX-License-Identifier: GPL-3.0-or-later */
/* findings.c - tell findings, and not too many of them. */

#include "findings.h"

#include <inttypes.h>
#include <stdio.h>

static void tell(void *arg, enum diag_kind kind, const char *text)
{
    struct findings *f = arg;

    if (kind != DIAG_ERROR)
        return;
    f->total++;
    if (f->of_rule++ < VERIFY_SHOWN)
        f->o->found(f->o->arg, f->rule, text);
}

void findings_begin(struct findings *f, const struct verify_options *o)
{
    *f = (struct findings){.o = o, .diag = {.sink = tell, .arg = f}};
}

bool findings_rule(struct findings *f, const char *rule)
{
    if (f->o->wanted && !f->o->wanted(f->o->arg, rule))
        return false;
    f->rule = rule;
    f->of_rule = 0;
    return true;
}

void findings_rest(struct findings *f)
{
    char text[64];

    if (f->of_rule > VERIFY_SHOWN) {
        snprintf(text, sizeof text, "%s%" PRIu64 " more findings of this rule",
                 f->of_rule >= VERIFY_STOP ? "at least " : "", f->of_rule - VERIFY_SHOWN);
        f->o->found(f->o->arg, f->rule, text);
    }
    f->of_rule = 0;
}
