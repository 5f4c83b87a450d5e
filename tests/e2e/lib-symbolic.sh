#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The same for archives whose code wants its own definitions: they need -Bsymbolic.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"
use_arch x86_64
for name in sqlite3 z sodium snappy boost_context; do
    check "$name" lib_works "$name"
done
finish
