#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The same libraries from Debian's arm64 packages, at work under qemu.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"
use_arch aarch64
use_arm64_packages
for name in mruby pcre2 fftw3 ffi sqlite3 z sodium snappy boost_context crypto openblas stdcxx; do
    check "$name" lib_works "$name"
done
finish
