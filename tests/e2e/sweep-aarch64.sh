#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Static archives of Debian's arm64 packages and of the cross compiler.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"
. "$here/sweep-common.sh"
use_arch aarch64
use_arm64_packages
sweep "$root"/usr/lib/aarch64-linux-gnu/*.a "$(dirname "$("$CC" -print-libgcc-file-name)")"/*.a
finish
