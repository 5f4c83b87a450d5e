#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# get-julia.sh DIR: unpack Debian 11's Julia 1.5.3 into DIR; run it as DIR/julia.
#
# Nothing is installed and no root is needed: apt fetches Julia and the libraries
# it needs into a private directory (81 MB, about ten seconds) and dpkg-deb
# unpacks them (356 MB).  The mirror is the one that this machine's apt uses
# for Debian; set DEBIAN_MIRROR=URL to name another.
# Exit status 77: it cannot be had here, and the last line says why.
set -eu

no() { echo "get-julia: $*" >&2; exit 77; }

[ $# = 1 ] || { echo "usage: get-julia.sh DIR" >&2; exit 2; }
dir=$(realpath -m "$1")
[ -x "$dir/julia" ] && exit 0

[ "$(uname -sm)" = "Linux x86_64" ] || no "only Linux on x86-64 has this package"
for tool in apt-get dpkg-deb; do
    command -v $tool >/dev/null || no "no $tool here"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r $keyring ] || no "$keyring is missing (package debian-archive-keyring)"
mirror=${DEBIAN_MIRROR:-$(apt-get --print-uris update 2>/dev/null |
    sed -n "s|^'\(.*\)/dists/[a-z]*/InRelease'.*|\1|p" | head -n 1)}
[ -n "$mirror" ] || no "apt knows no mirror of Debian; set DEBIAN_MIRROR"

mkdir -p "${dir%/*}"
new=$(mktemp -d "$dir.XXXXXX")
apt=$new/apt
mkdir -p "$apt"/state/lists/partial "$apt"/cache/archives/partial "$apt"/etc
trap 'rm -rf "$new"' EXIT
echo "deb [signed-by=$keyring] $mirror bullseye main" >"$apt/etc/sources.list"
: >"$apt/status" # nothing counts as installed, so all that Julia needs is fetched
private=(-o Dir::State="$apt/state" -o Dir::State::status="$apt/status"
    -o Dir::Cache="$apt/cache" -o Dir::Etc::sourcelist="$apt/etc/sources.list"
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o APT::Architecture=amd64 -o APT::Install-Recommends=false
    -o APT::Sandbox::User= -o Debug::NoLocking=1 -o Acquire::Retries=2
    -o APT::Keep-Downloaded-Packages=true
    -o Binary::apt-get::APT::Keep-Downloaded-Packages=true)
apt-get "${private[@]}" -qq -o APT::Update::Error-Mode=any update >&2 ||
    no "cannot read the package list of Debian 11 (bullseye) from its mirror"
apt-get "${private[@]}" -qq -y --download-only install julia libjulia-dev >&2 ||
    no "cannot fetch Julia and the libraries it needs"

for deb in "$apt"/cache/archives/*.deb; do
    case ${deb##*/} in
    # The C and C++ runtimes of this machine serve, and are newer.
    libc6_* | libgcc-s1_* | libstdc++6_* | gcc-* | dpkg_* | tar_* | debconf_* | perl-base_*) ;;
    *) dpkg-deb -x "$deb" "$new" ;;
    esac
done
rm -rf "$apt"
cat >"$new/julia" <<'WRAPPER'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
lib=x86_64-linux-gnu
LD_LIBRARY_PATH=$here/usr/lib/$lib:$here/lib/$lib exec "$here/usr/bin/julia" "$@"
WRAPPER
chmod +x "$new/julia"
"$new/julia" --startup-file=no -e 'exit(VERSION == v"1.5.3" ? 0 : 1)' ||
    no "the Julia that was fetched does not run here, or is not 1.5.3"
chmod 755 "$new"
mv -T "$new" "$dir" 2>/dev/null || [ -x "$dir/julia" ] # or somebody else was faster
