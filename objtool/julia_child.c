/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_child.c - a child in a process group of its own, and the signals that
 * are meant for all of us. */

#include "julia_child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { TICK_MS = 200, GRACE_MS = 3000 };

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { ENDING = sizeof ending / sizeof ending[0] };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- signals ---- */

void signals_hold(struct julia_signals *s)
{
    struct sigaction plain = {.sa_handler = SIG_DFL}, old;

    *s = (struct julia_signals){0};
    sigemptyset(&s->held);
    for (int i = 0; i < ENDING; i++)
        /* Who started us may have said that we ignore it (nohup). */
        if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaddset(&s->held, ending[i]);
    sigaddset(&s->held, SIGCHLD);
    sigaction(SIGCHLD, &plain, &s->child_before);
    sigprocmask(SIG_BLOCK, &s->held, &s->before);
}

/* Wait MS milliseconds at most for a signal. */
static void wait_signal(struct julia_signals *s, long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    int got = sigtimedwait(&s->held, NULL, &t);

    if (got > 0 && got != SIGCHLD && !s->came)
        s->came = got;
}

int signals_came(struct julia_signals *s)
{
    sigset_t waiting;

    for (int i = 0; i < ENDING && !s->came; i++)
        if (sigpending(&waiting) == 0 && sigismember(&waiting, ending[i]) == 1 &&
            sigismember(&s->held, ending[i]) == 1)
            s->came = ending[i];
    return s->came;
}

void signals_release(struct julia_signals *s)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    struct timespec none = {0};

    /* One that is still waiting would end us before we say by which we end. */
    signals_came(s);
    while (sigtimedwait(&s->held, NULL, &none) > 0)
        ;
    sigaction(SIGCHLD, &s->child_before, NULL);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    if (s->came) {
        sigaction(s->came, &plain, NULL);
        raise(s->came);
    }
}

/* ---- the child ---- */

/* NAME of "NAME=VALUE" or "NAME" is that of VARIABLE. */
static bool same_name(const char *text, const char *variable)
{
    size_t n = strcspn(text, "=");

    return strncmp(text, variable, n) == 0 && variable[n] == '=';
}

static char **environment(struct arena *a, const char *const *added)
{
    uint64_t count = 0, extra = 0, n = 0;
    char **out = NULL;

    while (environ[count])
        count++;
    while (added && added[extra])
        extra++;
    out = arena_alloc(a, count + extra + 1, sizeof *out);
    if (!out)
        return NULL;
    for (uint64_t i = 0; i < count; i++) {
        bool replaced = false;

        for (uint64_t k = 0; k < extra; k++)
            replaced = replaced || same_name(added[k], environ[i]);
        if (!replaced)
            out[n++] = environ[i];
    }
    for (uint64_t k = 0; k < extra; k++)
        if (strchr(added[k], '='))
            out[n++] = (char *)added[k];
    return out;
}

/* 0, or what posix_spawn() or its preparations gave. */
static int spawn(struct julia_signals *s, const struct child *c, char **env, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, e = 0;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    e = e ? e : posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (c->errors)
        e = e ? e : posix_spawn_file_actions_addopen(&files, 2, c->errors, flags, 0600);
    if (c->output)
        e = e ? e : posix_spawn_file_actions_addopen(&files, 1, c->output, flags, 0600);
    else
        e = e ? e : posix_spawn_file_actions_adddup2(&files, 2, 1);
    if (c->dir)
        e = e ? e : posix_spawn_file_actions_addchdir_np(&files, c->dir);
    /* A group of its own: Ctrl-C reaches us alone, and we end all of it. */
    e = e ? e : posix_spawnattr_setpgroup(&how, 0);
    e = e ? e : posix_spawnattr_setsigmask(&how, &s->before);
    e = e ? e : posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    e = e ? e : posix_spawnp(pid, c->argv[0], &files, &how, (char *const *)(uintptr_t)c->argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return e;
}

/* The child has ended and is not waited for yet. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/* Ask PID's group to end; what does not is made to. */
static void end_group(struct julia_signals *s, pid_t pid)
{
    double until = now() + GRACE_MS / 1e3;

    kill(-pid, SIGTERM);
    while (!has_ended(pid) && now() < until)
        wait_signal(s, 20);
}

bool child_run(struct diag *d, struct arena *a, struct julia_signals *s, struct child *c)
{
    char **env = environment(a, c->env);
    struct rusage used = {0};
    double start = now();
    pid_t pid = 0;
    int e = 0;

    if (!env)
        return diag_nomem(d);
    if (signals_came(s))
        return diag_fail(d, E_SYSTEM, "interrupted");
    e = spawn(s, c, env, &pid);
    if (e)
        return diag_fail(d, E_SYSTEM, "cannot run '%s': %s", c->argv[0], strerror(e));
    while (!has_ended(pid) && !s->came) {
        wait_signal(s, TICK_MS);
        if (c->tick)
            c->tick(c->arg, now() - start);
    }
    if (s->came)
        end_group(s, pid);
    /* Its number is taken until it is waited for, so this group is its own. */
    kill(-pid, SIGKILL);
    while (wait4(pid, &c->status, 0, &used) < 0 && errno == EINTR)
        ;
    c->seconds = now() - start;
    c->peak = (uint64_t)used.ru_maxrss * 1024;
    return !s->came || diag_fail(d, E_SYSTEM, "interrupted");
}

const char *child_ending(struct arena *a, int status)
{
    const char *text = NULL;

    if (WIFSIGNALED(status))
        text = arena_printf(a, "was killed by signal %d (%s)", WTERMSIG(status),
                            strsignal(WTERMSIG(status)));
    else
        text = arena_printf(a, "ended with exit code %d", WEXITSTATUS(status));
    return text ? text : "failed";
}
