/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enginemany.c - several images in one process (tests/e2e/engine-js.sh).
 *
 *   enginemany store CODE IMAGE=LIBRARY...   an image of each library
 *   enginemany SEED CODE IMAGE=LIBRARY...
 *
 * All are loaded and run CODE; then they are unloaded in an order that SEED says, and after each the
 * others run CODE again; then all are loaded once more. */

#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 };

static struct session sessions[MOST];
static char *libraries[MOST][2];
static char *images[MOST];

static void load(int i, int store)
{
    struct simg_cache_options o;

    simg_cache_options_init(&o);
    *(store ? &o.store : &o.load) = images[i];
    o.mode = SIMG_CACHE_ON;
    if (session_open(&sessions[i], &language, libraries[i], &o) != 0)
        exit(1);
    if (!store && !simg_cache_loaded(sessions[i].cache))
        fail("%s was not loaded", images[i]);
}

static void run(int i, const char *code)
{
    if (session_text(&sessions[i], "-e", code) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    int count = argc - 3, here[MOST] = {0}, store = 0;

    if (count < 1 || count > MOST)
        fail("usage: enginemany SEED CODE IMAGE=LIBRARY...");
    store = strcmp(argv[1], "store") == 0;
    srand((unsigned)atoi(argv[1]));
    for (int i = 0; i < count; i++) {
        images[i] = strdup(argv[3 + i]);
        libraries[i][0] = strchr(images[i], '=');
        *libraries[i][0]++ = 0;
        load(i, store);
        here[i] = 1;
    }
    for (int i = 0; i < count; i++)
        run(i, argv[2]);
    for (int i = 0; store && i < count; i++)
        session_close(&sessions[i]);
    if (store)
        return 0;
    for (int left = count; left > 0; left--) {
        int next = rand() % count;

        while (!here[next])
            next = (next + 1) % count;
        here[next] = 0;
        if (session_end(&sessions[next]) != 0)
            fail("%s: blocks are left", images[next]);
        for (int i = 0; i < count; i++)
            if (here[i])
                run(i, argv[2]);
    }
    for (int i = 0; i < count; i++) {
        load(i, 0);
        run(i, argv[2]);
    }
    for (int i = 0; i < count; i++) {
        session_end(&sessions[i]);
        free(images[i]);
    }
    return 0;
}
