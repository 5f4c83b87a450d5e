/* SPDX-License-Identifier: GPL-3.0-or-later */
/* llvm.c - LLVM's assembler, through the stable C interface (llvm-c), loaded
 * only when it is needed: the library takes 20 ms to load and 110 MB. */

#include "pack/pack.h"

#include <dlfcn.h>

/* Opaque in llvm-c/Types.h, too. */
typedef void *ref;

/* The functions used, by their names in llvm-c/{Core,Target,TargetMachine}.h. */
struct llvm {
    ref (*ContextCreate)(void);
    void (*ContextDispose)(ref);
    ref (*ModuleCreateWithNameInContext)(const char *, ref);
    void (*DisposeModule)(ref);
    void (*SetTarget)(ref, const char *);
    void (*SetModuleInlineAsm2)(ref, const char *, size_t);
    char *(*NormalizeTargetTriple)(const char *);
    int (*GetTargetFromTriple)(const char *, ref *, char **);
    ref (*CreateTargetMachine)(ref, const char *, const char *, const char *, int, int, int);
    void (*DisposeTargetMachine)(ref);
    int (*TargetMachineEmitToMemoryBuffer)(ref, ref, int, char **, ref *);
    const char *(*GetBufferStart)(ref);
    size_t (*GetBufferSize)(ref);
    void (*DisposeMemoryBuffer)(ref);
    void (*DisposeMessage)(char *);
    void (*ContextSetDiagnosticHandler)(ref, void (*)(ref, void *), void *);
    char *(*GetDiagInfoDescription)(ref);
};

static bool load(struct diag *d, void **library, struct llvm *l)
{
    /* Any from 11 on does; newer first. */
    static const char *const names[] = {"libLLVM.so.20.1", "libLLVM.so.19.1", "libLLVM.so.18.1",
                                        "libLLVM-17.so.1", "libLLVM-16.so.1", "libLLVM-15.so.1",
                                        "libLLVM-14.so.1", "libLLVM-13.so.1", "libLLVM-11.so.1"};
    const struct {
        const char *name;
        void *at;
    } functions[] = {
        {"LLVMContextCreate", &l->ContextCreate},
        {"LLVMContextDispose", &l->ContextDispose},
        {"LLVMModuleCreateWithNameInContext", &l->ModuleCreateWithNameInContext},
        {"LLVMDisposeModule", &l->DisposeModule},
        {"LLVMSetTarget", &l->SetTarget},
        {"LLVMSetModuleInlineAsm2", &l->SetModuleInlineAsm2},
        {"LLVMNormalizeTargetTriple", &l->NormalizeTargetTriple},
        {"LLVMGetTargetFromTriple", &l->GetTargetFromTriple},
        {"LLVMCreateTargetMachine", &l->CreateTargetMachine},
        {"LLVMDisposeTargetMachine", &l->DisposeTargetMachine},
        {"LLVMTargetMachineEmitToMemoryBuffer", &l->TargetMachineEmitToMemoryBuffer},
        {"LLVMGetBufferStart", &l->GetBufferStart},
        {"LLVMGetBufferSize", &l->GetBufferSize},
        {"LLVMDisposeMemoryBuffer", &l->DisposeMemoryBuffer},
        {"LLVMDisposeMessage", &l->DisposeMessage},
        {"LLVMContextSetDiagnosticHandler", &l->ContextSetDiagnosticHandler},
        {"LLVMGetDiagInfoDescription", &l->GetDiagInfoDescription},
    };

    *library = NULL;
    for (size_t i = 0; !*library && i < sizeof names / sizeof *names; i++)
        *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!*library)
        return diag_fail(d, E_SYSTEM,
                         "LLVM's library is needed, and not there; on Debian and "
                         "Ubuntu: apt-get install libllvm14 (or a later one)");
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *f = dlsym(*library, functions[i].name);

        if (!f)
            return diag_fail(d, E_SYSTEM, "LLVM's library does not have %s", functions[i].name);
        memcpy(functions[i].at, &f, sizeof f);
    }
    return true;
}

/* Five functions make a CPU known. */
static bool start_cpu(struct diag *d, void *library, enum pack_cpu cpu)
{
    static const char *const cpus[] = {[PACK_X86_64] = "X86", [PACK_AARCH64] = "AArch64"};
    static const char *const parts[] = {"TargetInfo", "Target", "TargetMC", "AsmPrinter",
                                        "AsmParser"};
    char name[64];

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        void (*start)(void) = NULL;
        void *f = NULL;

        strcpy(name, "LLVMInitialize");
        strcat(strcat(name, cpus[cpu]), parts[i]);
        if (!(f = dlsym(library, name)))
            return diag_fail(d, E_UNSUPPORTED, "LLVM's library was built without this CPU: no %s",
                             name);
        memcpy(&start, &f, sizeof f);
        start();
    }
    return true;
}

struct complaint {
    const struct llvm *l;
    struct diag *d;
};

static void complain(ref info, void *arg)
{
    const struct complaint *c = arg;
    char *text = c->l->GetDiagInfoDescription(info);

    diag_fail(c->d, E_UNSUPPORTED, "LLVM: %s", text ? text : "something is wrong");
    c->l->DisposeMessage(text);
}

/* LLVMCodeGenLevelNone, LLVMRelocPIC, LLVMCodeModelDefault, LLVMObjectFile */
enum { LEVEL_NONE = 0, RELOC_PIC = 2, MODEL_DEFAULT = 0, OBJECT_FILE = 1 };

static bool emit(struct pack *p, const struct llvm *l, const char *triple, ref module, ref target)
{
    ref machine =
        l->CreateTargetMachine(target, triple, "", "", LEVEL_NONE, RELOC_PIC, MODEL_DEFAULT);
    ref buffer = NULL;
    char *why = NULL;
    uint64_t errors = p->d->errors;
    bool ok = false;

    if (!machine)
        return diag_fail(p->d, E_UNSUPPORTED, "LLVM knows no machine for %s",
                         p->opt->target.triple);
    ok = !l->TargetMachineEmitToMemoryBuffer(machine, module, OBJECT_FILE, &why, &buffer) &&
         p->d->errors == errors;
    if (ok)
        buf_bytes(&p->skeleton, l->GetBufferStart(buffer), l->GetBufferSize(buffer));
    else if (p->d->errors == errors)
        diag_fail(p->d, E_UNSUPPORTED, "LLVM: %s", why ? why : "cannot assemble the skeleton");
    if (buffer)
        l->DisposeMemoryBuffer(buffer);
    if (why)
        l->DisposeMessage(why);
    l->DisposeTargetMachine(machine);
    return ok && (!p->skeleton.bad || diag_nomem(p->d));
}

bool pack_assemble(struct pack *p, const char *text)
{
    struct llvm l = {0};
    struct complaint c = {&l, p->d};
    void *library = NULL;
    ref context = NULL, module = NULL, target = NULL;
    char *why = NULL, *triple = NULL;
    bool ok = false;

    if (!load(p->d, &library, &l) || !start_cpu(p->d, library, p->opt->target.cpu))
        return false;
    /* "x86_64-w64-mingw32" has another name in there. */
    triple = l.NormalizeTargetTriple(p->opt->target.triple);
    if (l.GetTargetFromTriple(triple, &target, &why)) {
        diag_fail(p->d, E_UNSUPPORTED, "%s: LLVM: %s", triple, why);
        l.DisposeMessage(why);
        l.DisposeMessage(triple);
        return false;
    }
    context = l.ContextCreate();
    l.ContextSetDiagnosticHandler(context, complain, &c);
    module = l.ModuleCreateWithNameInContext("heap", context);
    l.SetTarget(module, triple);
    l.SetModuleInlineAsm2(module, text, strlen(text));
    ok = emit(p, &l, triple, module, target);
    l.DisposeModule(module);
    l.ContextDispose(context);
    l.DisposeMessage(triple);
    /* The library stays: it does not survive being unloaded. */
    return ok;
}
