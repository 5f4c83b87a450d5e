/* SPDX-License-Identifier: MIT */
/* secret_words.h - what a variable's name speaks of whose value is not to be kept; not installed.
 *
 * For both who look: the engine cache before it stores (runtime/cache_store.c), and objtool in
 * what is stored (lib/heap/audit.c).  sysimage-cache(7) lists them. */

#ifndef SYSIMAGE_SECRET_WORDS_H
#define SYSIMAGE_SECRET_WORDS_H

static const char *const secret_words[] = {"SECRET",     "TOKEN",       "PASSWORD",
                                           "PASSWD",     "API_KEY",     "APIKEY",
                                           "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"};

#endif
