#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# fetch-debs.sh CPU DIR PACKAGE...: Debian 12 packages of another CPU (arm64, ...), unpacked into DIR and
# installed nowhere.  Named packages only, no dependencies.  The mirror is the one this machine uses;
# apt checks the signatures.  Does nothing when DIR holds that list already.
# SUITE=trixie: of that suite of Debian instead, and with all that they depend on, the C library included.
set -eu
cpu=$1 dir=$2
shift 2
suite=${SUITE:-bookworm}
list="$cpu $suite $*"
[ "$(cat "$dir/.fetched" 2>/dev/null)" != "$list" ] || exit 0
for tool in apt-get dpkg-deb; do
    command -v $tool >/dev/null || { echo "skip: $tool is not installed" >&2; exit 77; }
done
mkdir -p "${dir%/*}"
exec 9>"$dir.lock" # tests run side by side
flock 9
[ "$(cat "$dir/.fetched" 2>/dev/null)" != "$list" ] || exit 0
rm -rf "$dir.new"
mkdir -p "$dir.new/.apt"/{state/lists/partial,cache/archives/partial,etc}
cd "$dir.new/.apt"
key=/usr/share/keyrings/debian-archive-keyring.gpg
uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
    awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
[ -n "$uri" ] || { echo "skip: apt knows no mirror of Debian's" >&2; exit 77; }
echo "deb [signed-by=$key] $uri $suite main" >etc/sources.list
: >status
options=(-o Dir::State="$PWD/state" -o Dir::State::status="$PWD/status" -o Dir::Cache="$PWD/cache"
    -o Dir::Etc::sourcelist="$PWD/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o APT::Architecture="$cpu" -o APT::Architectures="$cpu"
    -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Languages=none)
get() {
    if [ "$suite" = bookworm ]; then
        apt-get "${options[@]}" -qq download "$@"
    else
        apt-get "${options[@]}" -qq -y --download-only --no-install-recommends install "$@"
        mv cache/archives/*.deb .
    fi
}
{ apt-get "${options[@]}" -qq update && get "$@"; } >log 2>&1 || {
    tail -n 5 log >&2
    echo "skip: packages of $suite for $cpu could not be fetched" >&2
    exit 77
}
for deb in *.deb; do dpkg-deb -x "$deb" "$dir.new"; done
rm -rf "$dir.new/.apt"
echo "$list" >"$dir.new/.fetched"
rm -rf "$dir"
mv "$dir.new" "$dir"
