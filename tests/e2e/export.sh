#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What is exported and what binds inside: --export, --exclude-libs, --dynamic-list, -Bsymbolic[-functions].
. "$(dirname "$0")/common.sh"

names() { exports "$1" | cut -d' ' -f1 | tr '\n' ' '; }

sources() {
    cat >a.c <<'E'
int data_one = 1, data_two = 2;
int fun_one(void) { return data_one; }
int fun_two(void) { return data_two; }
int (*pointer)(void) = fun_one;
int work(void) { return fun_one() + fun_two() + pointer() - 4; }
E
    echo 'int lib_fun(void) { return 1; } int lib_data = 1;' >m.c
    cc -fsemantic-interposition -c a.c
    cc -c m.c
    ar rc libm5.a m.o
    echo 'int data_one = 100; int fun_one(void) { return 1000; } int fun_two(void) { return 1000; }' >p.c
    cc -shared -o pre.so p.c
}

symbolic() {
    sources
    both_work a.o -Bsymbolic
    expect_text <(dynamic ours.so) SYMBOLIC
    PRELOAD=$PWD/pre.so run "$PWD/ours.so" -
    both_work a.o -Bsymbolic-functions
    for f in ours bfd; do
        use_runner
        case $arch in
            x86_64) env LD_PRELOAD="$PWD/pre.so" "$runner" "$PWD/$f.so" - && status=0 || status=$? ;;
            *) "${RUN[@]}" -E LD_PRELOAD="$PWD/pre.so" "$runner" "$PWD/$f.so" - && status=0 || status=$? ;;
        esac
        # functions bind inside, data outside: 100 + 2 + (pointer: data, so its function is inside) 100 - 4
        echo "$f $status" >>statuses
    done
    [ "$(cut -d' ' -f2 statuses | sort -u | wc -l)" = 1 ] || { cat statuses; die "they behave differently"; }
}
check_cpus symbolic symbolic

dynamic_list() {
    sources
    echo '{ fun_one; data_*; };' >list
    both a.o --dynamic-list=list -Bsymbolic
    both a.o --dynamic-list list
    both a.o --dynamic-list list -Bsymbolic-functions
    PRELOAD= run "$PWD/ours.so" -
}
check_cpus dynamic_list dynamic_list

exclude_libs() {
    sources
    for option in '--exclude-libs ALL' --exclude-libs=libm5.a '--exclude-libs libm5.a,libother.a' '--exclude-libs libother.a:libm5.a'; do
        both_work a.o libm5.a $option
        [ "$(names ours.so)" = "data_one data_two fun_one fun_two pointer work " ] || die "$option: $(names ours.so)"
    done
    both_work a.o libm5.a --exclude-libs libother.a
    expect_text <(exports ours.so) '^lib_fun '
}
check_cpus exclude_libs exclude_libs

export_patterns() {
    sources
    ours_works a.o --export='fun_*' --export=work
    [ "$(names ours.so)" = "fun_one fun_two work " ] || die "$(names ours.so)"
    [ -n "$(symbol ours.so data_one)" ] || die "what is not exported must stay in the symbol table"
    printf 'data_?ne\nwork\n' >list
    ours_works a.o --export=@list
    [ "$(names ours.so)" = "data_one work " ] || die "$(names ours.so)"
    ours_works a.o libm5.a --export=work
    [ -n "$(symbol ours.so lib_fun)" ] || die "the archive is no longer whole"
    [ "$(names ours.so)" = "work " ] || die "$(names ours.so)"
    ours_works a.o libm5.a --export=work --gc-sections
    [ -n "$(symbol ours.so lib_fun)" ] || die "the archive is no longer whole under --gc-sections"
    expect_fail 3 olink -o ours.so a.o --export=@nowhere
    expect_text err nowhere
}
check_cpus export_patterns export_patterns

# an exported hidden symbol stays hidden; a pattern that matches nothing is worth a word or nothing, not a failure
export_nothing() {
    sources
    ours_works a.o --export=work --export='nothing_like_it*'
}
check export_nothing on_cpu x86_64 export_nothing

# what --defsym defines is seen as far as the version script says
defsym_local() {
    echo 'int work(void) { return 0; }' >a.c
    cc -c a.c
    echo '{ global: work; local: *; };' >v.map
    both_work a.o --defsym other=work --version-script=v.map
    [ "$(names ours.so)" = "work " ] || die "$(names ours.so)"
}
check_cpus defsym_local defsym_local
finish
