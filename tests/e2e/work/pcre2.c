/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiles a pattern, matches it with the interpreter and with the JIT, substitutes. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "work.h"
#include <pcre2.h>

int work(void)
{
    static const char subject[] = "on 2023-06-10 and 2026-11-24.";
    PCRE2_SPTR pattern = (PCRE2_SPTR) "(?<y>\\d{4})-(?<m>\\d\\d)-(?<d>\\d\\d)";
    PCRE2_UCHAR out[100];
    PCRE2_SIZE size = sizeof out, where = 0, *ovector = NULL;
    int error = 0;
    pcre2_code *code = NULL;
    pcre2_match_data *match = NULL;

    OURS(pcre2_compile_8);
    code = pcre2_compile(pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &where, NULL);
    CHECK(code);
    match = pcre2_match_data_create_from_pattern(code, NULL);
    for (int jit = 0; jit < 2; jit++) {
        if (jit)
            pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* may be refused; the match must work */
        CHECK(pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 5, 0, match, NULL) == 4);
        ovector = pcre2_get_ovector_pointer(match);
        CHECK(ovector[0] == 18 && ovector[1] == 28);
    }
    CHECK(pcre2_substitute(code, (PCRE2_SPTR)subject, strlen(subject), 0,
                           PCRE2_SUBSTITUTE_GLOBAL, NULL, NULL, (PCRE2_SPTR) "${d}.${m}.${y}",
                           PCRE2_ZERO_TERMINATED, out, &size) == 2);
    CHECK(strcmp((char *)out, "on 10.06.2023 and 24.11.2026.") == 0);
    pcre2_match_data_free(match);
    pcre2_code_free(code);
    return 0;
}
