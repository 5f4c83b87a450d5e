/* SPDX-License-Identifier: GPL-3.0-or-later */
/* findings.h - what a file breaks, rule by rule.
 *
 * A rule says what it finds by diag_fail() on the diag that it is given; each
 * is one finding.  Of a rule that is broken often, the first are told one by
 * one and the rest as a number. */

#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include "diag.h"

/* Of one rule, this many findings are told one by one. */
enum { VERIFY_SHOWN = 20 };

/* After so many findings a rule stops: their number is bounded whatever the
   file's size. */
enum { VERIFY_STOP = 1000 };

struct verify_options {
    /* Asked for each rule by its name; false leaves it out.  May be NULL. */
    bool (*wanted)(void *arg, const char *rule);
    /* One finding of RULE: the place, then what is wrong. */
    void (*found)(void *arg, const char *rule, const char *text);
    void *arg;
};

struct findings {
    const struct verify_options *o;
    const char *rule;
    uint64_t total, of_rule;
    struct diag diag; /* for the rules */
};

/* F must stay where it is. */
void findings_begin(struct findings *f, const struct verify_options *o);

/* Go on to RULE; false if it is not wanted. */
bool findings_rule(struct findings *f, const char *rule);
/* The rule is done: say how many more there were. */
void findings_rest(struct findings *f);

/* True as long as the rule has not found too much. */
static inline bool findings_go_on(const struct findings *f) { return f->of_rule < VERIFY_STOP; }

#endif
