#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# build-deb.sh TARBALL DIR [ARG...]: packages of Debian from a release archive (make dist), in DIR;
# ARG goes to dpkg-buildpackage (-b, say).
# Needs debhelper and what debian/control names; DEB_BUILD_OPTIONS as ever (nocheck, parallel=N, ...).
set -eu
[ $# -ge 2 ] || { sed -n 3,5p "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
tarball=$(realpath "$1")
mkdir -p "$2"
cd "$2"
version=$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' "$here/debian/changelog")
case $tarball in
    */sysimage-tools-"$version".tar.gz) ;;
    *) echo "build-deb.sh: $tarball: debian/changelog is of version $version" >&2; exit 1 ;;
esac
rm -rf "sysimage-tools-$version"
cp "$tarball" "sysimage-tools_$version.orig.tar.gz"
tar xzf "$tarball"
cp -r "$here/debian" "sysimage-tools-$version"
cd "sysimage-tools-$version"
dpkg-buildpackage -us -uc "${@:3}"
