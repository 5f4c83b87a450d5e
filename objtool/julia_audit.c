/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "julia.h"
int julia_audit(struct julia_command *c) { (void)c; return 70; }
