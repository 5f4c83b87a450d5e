#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What fuzzing starts from, read and linked once: objects with a little of everything.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bash "$top_srcdir/tests/fuzz/make-seeds.sh" "$dir"
if [ -z "$(ls "$dir/elf")" ]; then
    echo "skip: seeds: no assembler (x86_64-linux-gnu-as, aarch64-linux-gnu-as)"
    exit 77
fi
"$top_builddir/tests/fuzz/replay_elf" "$dir"/elf/*
echo "ok: seeds of the reader"
"$top_builddir/tests/fuzz/replay_link" "$dir"/link/*
echo "ok: seeds of the linker"
