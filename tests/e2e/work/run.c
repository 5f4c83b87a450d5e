/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run IMAGE [PLUGIN [FUNCTION]]: load IMAGE with RTLD_NOW into the global scope, load PLUGIN (else
   take IMAGE itself), call its function (work) and exit with what it returned.  With LAZY=1 in the
   environment the image is bound lazily, with CLOSE=1 it is unloaded at the end. */
#include "work.h"

int main(int argc, char **argv)
{
    int mode = getenv("LAZY") ? RTLD_LAZY : RTLD_NOW;
    void *image = NULL, *plugin = NULL;
    union {
        void *object;
        int (*function)(void);
    } entry = {NULL};
    int result = 0;

    if (argc < 2)
        return 2;
    setenv("IMAGE", argv[1], 1);
    image = dlopen(argv[1], mode | RTLD_GLOBAL);
    if (!image) {
        fprintf(stderr, "dlopen: %s\n", dlerror());
        return 101;
    }
    if (argc == 2)
        return 0;
    plugin = strcmp(argv[2], "-") == 0 ? image : dlopen(argv[2], RTLD_NOW);
    if (!plugin) {
        fprintf(stderr, "dlopen of the plug-in: %s\n", dlerror());
        return 102;
    }
    entry.object = dlsym(plugin, argc > 3 ? argv[3] : "work");
    if (!entry.object) {
        fprintf(stderr, "dlsym: %s\n", dlerror());
        return 103;
    }
    result = entry.function();
    if (getenv("CLOSE") && dlclose(image) != 0)
        return 104;
    return result;
}
