/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command.h - the commands of objtool.  Each takes the arguments behind its
 * name, its name first, and returns the exit code. */

#ifndef OBJTOOL_COMMAND_H
#define OBJTOOL_COMMAND_H

int cmd_cache(int argc, char **argv);
int cmd_heap(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_julia(int argc, char **argv);
int cmd_link(int argc, char **argv);
int cmd_pack(int argc, char **argv);
int cmd_sign(int argc, char **argv);
int cmd_verify(int argc, char **argv);

/* The link command as a linker named PROGRAM: with ld's rules. */
int cmd_ld(int argc, char **argv, const char *program);

#endif
