/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls a function with mixed arguments through libffi, and gets called through a closure. */
#include "work.h"
#include <ffi.h>

static double mixed(int a, double b, short c, float d)
{
    return a + b * 2 + c * 3 + (double)d * 4;
}

static void callback(ffi_cif *cif, void *ret, void **args, void *user)
{
    (void)cif;
    *(ffi_sarg *)ret = *(int *)args[0] * *(int *)user;
}

int work(void)
{
    ffi_type *types[] = {&ffi_type_sint, &ffi_type_double, &ffi_type_sshort, &ffi_type_float};
    int a = 1, six = 6;
    double b = 2, result = 0;
    short c = 3;
    float d = 4;
    void *values[] = {&a, &b, &c, &d}, *code = NULL;
    ffi_cif cif;
    ffi_closure *closure = NULL;
    union {
        void *object;
        int (*function)(int);
    } made;

    OURS(ffi_call);
    CHECK(ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 4, &ffi_type_double, types) == FFI_OK);
    ffi_call(&cif, FFI_FN(mixed), &result, values);
    CHECK(result == 30);
    closure = ffi_closure_alloc(sizeof *closure, &code);
    CHECK(closure);
    CHECK(ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 1, &ffi_type_sint, types) == FFI_OK);
    CHECK(ffi_prep_closure_loc(closure, &cif, callback, &six, code) == FFI_OK);
    made.object = code;
    CHECK(made.function(7) == 42);
    ffi_closure_free(closure);
    return 0;
}
