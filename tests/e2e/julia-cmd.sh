#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool julia. First with a stand-in for Julia that is a script: options, what Julia is told, what
# fails and how that is said, signals. Then with a real one and a small package, whose object is
# cached as that of julia.sh is.
. "$(dirname "$0")/common.sh"

use_arch x86_64
need ar gcc

# ---- the stand-in ----

# A libjulia, an image object, and a julia that does what FAKE_... say and notes how it was called.
mkdir fake bin
cat >fake/julia.c <<'C'
void *jl_RTLD_DEFAULT_handle;
C
cat >fake/image.c <<'C'
extern void *jl_RTLD_DEFAULT_handle;
void **jl_RTLD_DEFAULT_handle_pointer = &jl_RTLD_DEFAULT_handle;
char jl_system_image_data[100] = "/home/somebody/project/x.jl";
long jl_system_image_size = 100;
C
gcc -shared -fPIC -Wl,-soname,libjulia.so.1 -o fake/libjulia.so.1 fake/julia.c
gcc -c -fPIC -o fake/image.o fake/image.c
(cd fake && ar rc sys.a image.o && cp libjulia.so.1 default.so && ln -s libjulia.so.1 libjulia.so)
cat >fake/julia <<'SH'
#!/bin/bash
here=$FAKE
{ printf '%s|' "$JULIA_LOAD_PATH" "$@"; echo; } >>"$here/calls"
out= image=$here/default.so trace= code= last=${!#}
while [ $# -gt 0 ]; do
    case $1 in
        --output-o) out=$2; shift ;;
        -J) image=$2; shift ;;
        -e) code=$2; shift; last=-e; rest=("${@:2}") ;;
        -C) shift ;;
        --trace-compile=*) trace=${1#*=} ;;
    esac
    shift
done
fail() { echo "last words of $1"; printf 'and \033[31mmore\n' >&2; exit 5; }
if [ -n "$trace" ]; then
    [ "$FAKE_FAIL" != trace ] || fail trace
    cat "$FAKE_TRACE" >"$trace"
elif [ -n "$out" ]; then
    [ "$FAKE_FAIL" != object ] || fail object
    if [ "$FAKE_FAIL" = hang ]; then
        [ -z "$FAKE_STUBBORN" ] || trap '' TERM
        echo partial >"$out"
        sleep 600 &
        echo $! >"$here/grandchild"
        echo $$ >"$here/child"
        # A shell that waits is not ended by a signal that it ignores.
        while :; do wait $!; sleep 600; done
    fi
    [ -z "$FAKE_REPORT" ] || cat "$FAKE_REPORT" >"$OBJTOOL_JULIA_REPORT"
    cp "$here/sys.a" "$out"
else
    case $code in
        *tell*)
            [ "$FAKE_FAIL" != ask ] || fail ask
            printf 'version\0%s\0image\0%s\0library\0%s\0' "${FAKE_VERSION:-1.5.3}" "$here/default.so" \
                "$here/libjulia.so.1" ;;
        *loaded_modules*)
            [ "$FAKE_FAIL" != check ] || fail check
            printf '%s\0' "$image"
            for name in "${rest[@]}"; do [ "$name" != Missing ] || printf '%s\0' "$name"; done ;;
    esac
fi
exit 0
SH
chmod +x fake/julia
cat >fake/trace <<'TRACE'
precompile(Tuple{typeof(A.f), Char(0x79000000)})
precompile(Tuple{typeof(A.f), A.var"#1#2"})
precompile(Tuple{typeof(A.f), Char(0x79000000)})
precomp
TRACE
printf 'of 2\n1 compiled\tprecompile(a)\n2 failed UndefVarError: x\tprecompile(Tuple{x})\n' >fake/report
export FAKE=$work/fake FAKE_TRACE=$work/fake/trace FAKE_REPORT= FAKE_FAIL= FAKE_VERSION= FAKE_STUBBORN=
echo 'f()' >program.jl
mkdir project
fake=(--julia="$FAKE/julia" --project="$work/project")

# make ARG...: create with the stand-in
make() { rm -f "$FAKE/calls"; "$OBJTOOL" julia create "${fake[@]}" "$@"; }
# nothing_left: no temporary, here or where they go
nothing_left() {
    [ -z "$(find . "${TMPDIR:-/tmp}" -maxdepth 1 -name '.objtool-julia*' -user "$(id -u)" -newer "$FAKE/julia" 2>/dev/null)" ] ||
        die "temporaries are left"
}

creates() {
    export TMPDIR=$PWD
    FAKE_REPORT=$FAKE/report make A B_c --precompile-execution="$work/program.jl" --cpu-target=generic \
        --link-option=--build-id -o sys.so >out 2>err || die "status $?: $(cat err)"
    cat err out "$FAKE/calls"
    clean sys.so
    [ "$(needed sys.so)" = libjulia.so.1 ] || die "needs $(needed sys.so)"
    readelf -n sys.so >notes
    expect_text notes 'Build ID'
    expect_text err '^\[1/4\] recording.*: 2 statements, 1 of them mended; left out: 0 with made-up names, 1 that are none$' \
        'warning: the trace: line 4: no precompile statement, left out: precomp$' \
        'warning: Julia 1.5 keeps the targets' \
        'warning: statement 2: UndefVarError: x: precompile(Tuple{x})$' \
        '^\[2/4\] compiling.*: 1 of 2 statements compiled; ' '^\[3/4\] linking: ' '^\[4/4\] starting Julia'
    expect_text out '^sys.so: Julia starts with it$' '  size  *[0-9.]* *[0-9.]* MB' '  start ' '  program '
    expect_text "$FAKE/calls" \
        "^$work/project:@stdlib|.*|--project=$work/project|.*--trace-compile=.*|$work/program.jl|\$" \
        '|--threads=1|-J|.*/default.so|--output-o|.*/sys.o|-C|generic|.*/sysimage.jl|$' \
        '|-J|.*/sys.so|-e|.*'
    reject_text "$FAKE/calls" pkgimages
    nothing_left
}

# From 1.9 on, code of cached packages must be kept out.
newer() {
    FAKE_VERSION=1.10.4 make A -o sys.so >out 2>err
    expect_text "$FAKE/calls" '|--startup-file=no|--history-file=no|--pkgimages=no|.*|--output-o|'
    expect_fail 6 env FAKE_VERSION=1.4.2 "$OBJTOOL" julia create "${fake[@]}" A -o no.so
    expect_text err 'Julia 1.4.2: only Julia 1, from 1.5 on, is supported'
    expect_fail 6 env FAKE_VERSION=1.12.0 "$OBJTOOL" julia create "${fake[@]}" --incremental=no A -o no.so
    expect_text err 'sources of Julia.s Base'
    [ ! -e no.so ] || die "there is an image"
}

# No other program but Julia is run.
no_compiler() {
    local tool
    mkdir tools
    for tool in bash cat cp; do ln -s "$(command -v $tool)" tools/; done
    ln -s "$FAKE/julia" tools/julia
    PATH=$PWD/tools "$OBJTOOL" julia create A -o sys.so -q >out 2>err || die "status $?: $(cat err)"
    [ ! -s err ] || die "--quiet speaks: $(cat err)"
    [ -e sys.so ] || die "no image"
}

# fails STEP STATUS WORDS: what Julia complained of is shown, harmless; an older image stays
fails() {
    echo old >sys.so
    export TMPDIR=$PWD
    FAKE_FAIL=$1 expect_fail "$2" make A --precompile-execution="$work/program.jl" -o sys.so
    expect_text err "$3" '^  | and \\x1b\[31mmore$'
    [ "$(cat sys.so)" = old ] || die "the older image is gone"
    nothing_left
}

missing_package() {
    expect_fail 1 make A Missing -o sys.so
    expect_text err 'package Missing is not in the image'
    [ ! -e sys.so ] || die "there is an image"
    make A Missing --no-check -o sys.so 2>err
    [ -e sys.so ] || die "--no-check: no image"
}

usage_errors() {
    expect_fail 2 "$OBJTOOL" julia
    expect_fail 2 "$OBJTOOL" julia create A
    expect_fail 2 "$OBJTOOL" julia create 'A,B' -o x.so
    expect_fail 2 "$OBJTOOL" julia frob
    expect_text err "'frob' is no step of julia" 'objtool julia --help'
    expect_fail 3 "$OBJTOOL" julia create --julia=./none A -o x.so
    expect_text err "cannot run '.*/none': No such file"
    expect_fail 3 "$OBJTOOL" julia create "${fake[@]}" --precompile-execution=none.jl A -o x.so
    expect_text err 'none.jl: No such file'
    expect_fail 3 "$OBJTOOL" julia create "${fake[@]}" A -o none/x.so
    expect_fail 0 "$OBJTOOL" julia --help
    expect_text out create record script object link check audit
    expect_fail 0 "$OBJTOOL" julia audit --help
    expect_text out --redact
    reject_text out --precompile
}

# As many packages as one likes; what Julia prints is not part of the result.
many_and_verbose() {
    make $(printf 'P%d ' $(seq 200)) -o sys.so -v --json >out 2>err
    need python3
    python3 -c 'import json; json.load(open("out"))'
    expect_text "$FAKE/calls" '^|P1|P2|.*|P200|$\||P1|P2|.*|P199|P200|$'
    expect_text err '^+ .* --output-o '
}

# Each step alone makes what the next one takes.
steps() {
    "$OBJTOOL" julia record "${fake[@]}" --precompile-execution="$work/program.jl" \
        --no-generated-names -o s.jl 2>err
    echo 'precompile(Tuple{typeof(A.f), reinterpret(Char, 0x79000000)})' | same statements - s.jl
    "$OBJTOOL" julia script --precompile-statements=s.jl A -o script.jl
    expect_text script.jl '    import A' "eachline(\"$PWD/s.jl\")"
    "$OBJTOOL" julia object "${fake[@]}" script.jl -o sys.o 2>err
    cmp sys.o "$FAKE/sys.a"
    "$OBJTOOL" julia link "${fake[@]:0:1}" sys.o -o sys.so 2>err
    "$OBJTOOL" julia link -L "$FAKE" sys.o -o other.so 2>err
    [ "$(needed other.so)" = libjulia.so.1 ] || die "-L: needs $(needed other.so)"
    "$OBJTOOL" julia check "${fake[@]}" sys.so A 2>err >out
    expect_fail 1 "$OBJTOOL" julia check "${fake[@]}" sys.so Missing
    expect_fail 0 "$OBJTOOL" julia check "${fake[@]}" --json sys.so A
    need python3
    python3 -c 'import json; j = json.load(open("out")); assert j["julia"] == "1.5.3" and j["size"]["after"] > 0, j'
    make A --precompile-execution="$work/program.jl" --save-temps=saved -o again.so >out 2>err
    cmp saved/sys.o sys.o
    expect_text saved/sysimage.jl "$PWD/saved/statements.jl"
}

# An object for another system: no Julia is asked, and both libraries are found in their directory.
other_systems() {
    need clang
    cat >image.c <<'C'
extern void *jl_RTLD_DEFAULT_handle;
void jl_throw(void *);
void **jl_RTLD_DEFAULT_handle_pointer = &jl_RTLD_DEFAULT_handle;
char jl_system_image_data[100] = "x";
void f(void) { jl_throw(0); }
C
    mkdir mac
    printf '%s\n' '--- !tapi-tbd' 'tbd-version: 4' 'targets: [ arm64-macos ]' "install-name: '@rpath/libjulia.1.dylib'" \
        'exports:' '  - targets: [ arm64-macos ]' '    symbols: [ _jl_RTLD_DEFAULT_handle ]' ... >mac/libjulia.tbd
    sed 's/libjulia.1/libjulia-internal.1/; s/_jl_RTLD_DEFAULT_handle/_jl_throw/' mac/libjulia.tbd >mac/libjulia-internal.tbd
    clang --target=arm64-apple-macos13 -c image.c -o sys.o
    PATH=/nowhere "$OBJTOOL" julia link --target=arm64-apple-macos13 -L mac sys.o -o sys.dylib
    "$OBJTOOL" verify sys.dylib
    "$OBJTOOL" inspect sys.dylib >text
    expect_text text '@rpath/sys.dylib' '@rpath/libjulia.1.dylib' '@rpath/libjulia-internal.1.dylib' 'Julia sysimage'
    expect_fail 3 "$OBJTOOL" julia link --target=arm64-apple-macos13 -L . sys.o -o no.dylib
    [ ! -e no.dylib ] || die "there is an image"
}

ended() { ! kill -0 "$1" 2>/dev/null || [ "$(sed -E 's/.*\) (.).*/\1/' /proc/"$1"/stat 2>/dev/null)" = Z ]; }

# interrupted SIGNAL: in the slow step; all that runs ends, and we by the same signal
interrupted() {
    local pid status=0 i
    export TMPDIR=$PWD
    rm -f "$FAKE/child" "$FAKE/grandchild"
    # A job of an interactive shell, so that SIGINT is not ignored in it.
    set -m
    FAKE_FAIL=hang "$OBJTOOL" julia create "${fake[@]}" A -o sys.so >out 2>err &
    pid=$!
    set +m
    for ((i = 0; i < 300; i++)); do [ ! -s "$FAKE/child" ] || break; sleep 0.1; done
    [ -s "$FAKE/child" ] || die "the slow step did not begin"
    kill -"$1" "$pid"
    wait "$pid" || status=$?
    cat err
    [ $status = $((128 + $(kill -l "$1"))) ] || die "status $status after $1"
    expect_text err 'objtool julia: interrupted'
    for i in child grandchild; do
        for n in 1 2 3 4 5 6 7 8 9 10; do ! ended "$(cat "$FAKE/$i")" || break; sleep 0.1; done
        ended "$(cat "$FAKE/$i")" || die "the $i lives"
    done
    [ ! -e sys.so ] || die "there is an image"
    nothing_left
}

stubborn() { FAKE_STUBBORN=yes interrupted TERM; }

# nohup's SIGHUP is not for us.
ignored() {
    local pid i
    rm -f "$FAKE/child"
    set -m
    (trap '' HUP; FAKE_FAIL=hang exec "$OBJTOOL" julia create "${fake[@]}" A -o sys.so) >out 2>err &
    pid=$!
    set +m
    for ((i = 0; i < 300; i++)); do [ ! -s "$FAKE/child" ] || break; sleep 0.1; done
    kill -HUP "$pid"
    sleep 1
    ! ended "$pid" || die "it ended"
    kill -TERM "$pid"
    wait "$pid" || true
    ended "$(cat "$FAKE/child")" || die "the child lives"
}

on_terminal() {
    need script
    TERM=xterm script -qec "'$OBJTOOL' julia create ${fake[*]} A -o sys.so" typescript >/dev/null
    grep -q $'\r\033\\[K' typescript || die "no line that lives"
    grep -q $'\033\\[1mlinking' typescript || die "no colour"
    TERM=xterm NO_COLOR=1 script -qec "'$OBJTOOL' julia create ${fake[*]} A -o sys.so" typescript >/dev/null
    ! grep -q $'\033\\[1m' typescript || die "colour in spite of NO_COLOR"
    TERM=dumb script -qec "'$OBJTOOL' julia create ${fake[*]} A -o sys.so" typescript >/dev/null
    ! grep -q $'\033' typescript || die "escapes on a dumb terminal"
}

audit() {
    local secret=/home/somebody/project/x.jl
    expect_fail 1 "$OBJTOOL" julia audit "$FAKE/image.o"
    expect_text out "$secret" 'somebody' 'paths in a user.s directory' ' place: \.data+0x'
    expect_fail 1 "$OBJTOOL" julia audit "$FAKE/sys.a"
    expect_text out ' place: image.o(\.data)+0x'
    expect_fail 1 "$OBJTOOL" julia audit --redact "$FAKE/image.o"
    reject_text out somebody "$work" project
    expect_fail 1 "$OBJTOOL" julia audit --redact --json "$FAKE/image.o"
    reject_text out somebody "$work"
    expect_fail 1 env TOKEN_OF_MINE=project/x.jl "$OBJTOOL" julia audit --environment --json "$FAKE/image.o"
    if have python3; then
        python3 - <<PY
import json
found = json.load(open("out"))["found"]
data = open("$FAKE/image.o", "rb").read()
assert any(f["kind"] == "value" and f["variable"] == "TOKEN_OF_MINE" for f in found), found
assert {"home", "user"} <= {f["kind"] for f in found}, found
for f in found:
    for place in f["places"]:
        assert data[place["offset"]:].startswith(f["text"].encode()), f
PY
    fi
    expect_fail 0 "$OBJTOOL" julia audit --except="$FAKE/image.o" "$FAKE/sys.a"
    expect_text out 'nothing found'
    expect_fail 1 "$OBJTOOL" julia audit --except="$FAKE/image.o" --look-for=jl_system "$FAKE/image.o"
    gcc -g -gz=zlib -c -o gz.o "$FAKE/image.c"
    expect_fail 1 "$OBJTOOL" julia audit gz.o
    expect_text out 'not looked into, for it is compressed: .debug_info'
    expect_fail 3 "$OBJTOOL" julia audit none.so
    : >empty
    expect_fail 0 "$OBJTOOL" julia audit empty
}

check "create: options, what Julia is told, the result" creates
check "newer versions" newer
check "no compiler" no_compiler
check "Julia cannot be asked" fails ask 3 'asked where it is ended with exit code 5'
check "the program fails" fails trace 3 'program.jl ended with exit code 5'
check "the object fails" fails object 3 'julia --output-o ended with exit code 5'
check "the image does not start" fails check 1 'Julia with the image ended with exit code 5'
check "a package that is not in it" missing_package
check "wrong usage" usage_errors
check "many packages, --verbose" many_and_verbose
check "each step alone" steps
check "objects for other systems" other_systems
check "SIGINT" interrupted INT
check "SIGTERM" interrupted TERM
check "SIGHUP" interrupted HUP
check "a Julia that does not end" stubborn
check "SIGHUP that is ignored" ignored
check "progress on a terminal" on_terminal
check "audit" audit

# ---- a real Julia ----

# Its package: dates make statements that 1.5 cannot read back, the program's own function one that fails.
real_package() {
    mkdir -p package/src
    cat >package/Project.toml <<'TOML'
name = "Tally"
uuid = "6d1c9a3e-55a0-4c8f-9f6e-2b7f0e8f4a11"
version = "0.1.0"

[deps]
Dates = "ade2ca70-3891-5945-98fb-dc099432e06a"
TOML
    cat >package/src/Tally.jl <<'JL'
module Tally
using Dates
const FORMAT = dateformat"yyyy-mm-dd"
"How many of the dates in TEXT, one a line, are in each month."
function months(text::AbstractString)
    counts = Dict{String,Int}()
    for line in split(text, '\n'; keepempty = false)
        month = Dates.format(Date(line, FORMAT), "u yyyy")
        counts[month] = get(counts, month, 0) + 1
    end
    join(sort!(["$month: $n" for (month, n) in counts]), "\n")
end
end
JL
    cat >program.jl <<'JL'
using Tally
ours(x) = reverse(x)
println(ours(ours(Tally.months("2020-03-01\n2020-03-09\n2021-07-30\n"))))
JL
}

# Julia as it is, but that an object made before of the same is not made again.
real_julia() {
    cat >"$1" <<SH
#!/bin/bash
set -eu
out=
for ((i = 1; i < \$#; i++)); do [ "\${!i}" != --output-o ] || { n=\$((i + 1)) && out=\${!n}; }; done
[ -n "\$out" ] || exec "$julia" "\$@"
script=\${!#} dir=\$(dirname "\${!#}")
key=\$( (sed "s|\$dir|DIR|" "\$script"; cat "\$dir/statements.jl") | sha256sum | cut -c1-16)
if [ ! -e "$real_dir/object-\$key" ]; then
    "$julia" "\$@"
    cp "\$OBJTOOL_JULIA_REPORT" "$real_dir/report-\$key"
    cp "\$out" "$real_dir/new-object" && mv "$real_dir/new-object" "$real_dir/object-\$key"
fi
cp "$real_dir/report-\$key" "\$OBJTOOL_JULIA_REPORT"
cp "$real_dir/object-\$key" "\$out"
SH
    chmod +x "$1"
}

use_real() {
    need flock
    . "$here/../../examples/julia/paths.sh"
    unset JULIA_LOAD_PATH
    local status=0
    "$example/get-julia.sh" "$julia_dir" || status=$?
    [ $status != 77 ] || skip "Julia cannot be fetched"
    [ $status = 0 ] || die "get-julia.sh gave $status"
    real_package
    real_dir=$julia_cache/command-$(cat package/Project.toml package/src/Tally.jl program.jl | sha256sum | cut -c1-16)
    mkdir -p "$real_dir"
    exec 9>"$julia_cache/command.lock"
    flock 9
    cp -r package program.jl "$real_dir"
    export JULIA_DEPOT_PATH=$real_dir/depot
    real_julia "$PWD/julia"
}

real_create() {
    use_real
    "$OBJTOOL" julia create --julia="$PWD/julia" --project="$real_dir/package" Tally --json \
        --precompile-execution="$real_dir/program.jl" --save-temps="$PWD/saved" -o sys.so >out 2>err ||
        die "status $?: $(cat err)"
    cat err out
    expect_text err ', [1-9][0-9]* of them mended' 'warning: statement [0-9]*: UndefVarError: ours not defined: ' \
        '^\[4/4\] starting Julia with it: '
    reject_text saved/statements.jl 'Char(0x7'
    "$OBJTOOL" verify sys.so
    # In the image, and nothing of the package is left to compile; with an environment that has no such package.
    JULIA_LOAD_PATH=@stdlib "$julia" -J "$PWD/sys.so" --startup-file=no --trace-compile=late \
        -e 'using Dates
            id = first(id for id in keys(Base.loaded_modules) if id.name == "Tally")
            isdefined(Main, :Tally) && exit(3)
            print(Base.loaded_modules[id].months("2020-03-01\n2020-03-09\n2021-07-30\n"))' >said
    printf 'Jul 2021: 1\nMar 2020: 2' | same "what it says" - said
    reject_text late 'Tally'
    # Nothing of where it was made but the package itself, which backtraces name.
    expect_fail 1 "$OBJTOOL" julia audit -v --except="$julia_lib/julia/sys.so" --look-for="$PWD" sys.so
    expect_text out "$real_dir/package/src/Tally.jl" "Julia's objects+0x"
    reject_text out "$PWD/saved" 'looked for' 'depot'
    "$OBJTOOL" julia check --julia="$julia" --project="$real_dir/package" sys.so Tally >out 2>err
    expect_text out 'Julia starts with it'
    expect_fail 1 "$OBJTOOL" julia check --julia="$julia" sys.so NotThere
    expect_text err 'package NotThere is not in the image'
}

check "a real Julia: create" real_create

finish
