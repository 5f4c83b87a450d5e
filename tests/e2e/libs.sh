# SPDX-License-Identifier: GPL-3.0-or-later
# The libraries of Debian that are linked whole, and how; read after common.sh.
# lib_table NAME sets: archive, link_args, source (in work/), work_flags.

# use_arm64_packages: arm64's own archives, unpacked in the cache; they run under qemu
use_arm64_packages() {
    local status=0
    root=$cache/debian-arm64
    "$here/fetch-debs.sh" arm64 "$root" libmruby-dev libpcre2-dev libfftw3-dev libffi-dev \
        libsqlite3-dev zlib1g-dev libsodium-dev libsnappy-dev libboost-context1.74-dev libssl-dev \
        libopenblas-pthread-dev libgfortran5 libgmp-dev libexpat1-dev liblzma-dev libzstd-dev \
        libjansson-dev libxxhash-dev libbz2-dev libyaml-dev libpng-dev libbrotli-dev \
        libjpeg62-turbo-dev || status=$?
    [ "$status" = 0 ] || exit "$status"
    root_flags=(-I"$root/usr/include" -I"$root/usr/include/$TRIPLE" -I"$work/include"
        -I"$root/usr/include/$TRIPLE/openblas-pthread")
    mkdir -p "$work/include" # Boost's headers are the same for every CPU
    [ ! -d /usr/include/boost ] || ln -sfn /usr/include/boost "$work/include/boost"
    RUN+=(-E "LD_LIBRARY_PATH=$root/usr/lib/$TRIPLE")
}

root_flags=()
lib_table() {
    local lib=${root:-}/usr/lib/$TRIPLE
    work_flags=("${root_flags[@]}") link_args=() source=$1.c
    case $1 in
        mruby) archive=${root:-}/usr/lib/libmruby.a link_args=(-lm)
            # arm64's takes the address of its own functions with ADRP
            [ "$arch" = x86_64 ] || link_args+=(-Bsymbolic) ;;
        pcre2) archive=$lib/libpcre2-8.a ;;
        fftw3) archive=$lib/libfftw3.a link_args=(-lm) ;;
        ffi) archive=$lib/libffi_pic.a ;;
        sqlite3) archive=$lib/libsqlite3.a link_args=(-Bsymbolic -lm) ;;
        z) archive=$lib/libz.a link_args=(-Bsymbolic) ;;
        sodium) archive=$lib/libsodium.a link_args=(-Bsymbolic) ;;
        snappy) archive=$lib/libsnappy.a link_args=(-Bsymbolic -lstdc++ -lm -lgcc_s) source=snappy.cc ;;
        boost_context)
            archive=$lib/libboost_context.a link_args=(-Bsymbolic -lstdc++ -lgcc_s) source=boost_context.cc ;;
        crypto) archive=$lib/libcrypto.a link_args=(-ldl -lpthread) ;;
        openblas) archive=$lib/openblas-pthread/libopenblas.a link_args=(-l:libgfortran.so.5 -lm -lpthread) ;;
        stdcxx)
            archive=$("$CC" -print-file-name=libstdc++.a) source=stdcxx.cc
            link_args=(-lm -lgcc_s "-l:$LOADER") ;;
        *) die "no library $1 in the table" ;;
    esac
    # As the compiler drivers do: the C library last, helpers of the compiler before and after it.
    link_args+=(-lgcc --as-needed -lgcc_s --no-as-needed -lc -lgcc)
}

# lib_works NAME [-s]: link it, check the file, let it work, compare with ld.bfd's
lib_works() {
    local args
    lib_table "$1"
    need_file "$archive"
    use_libdirs
    [ -z "${root:-}" ] || libdirs+=("-L$root/usr/lib/$TRIPLE")
    args=("$archive" "${libdirs[@]}" "${link_args[@]}" -soname "lib$1-image.so" --no-undefined)
    case $source in
        stdcxx.cc) # without the system's libstdc++
            cxx -shared -nodefaultlibs -o work.so "$here/work/$source" -I "$here/work" -lgcc_s -lm -lc -lgcc ;;
        *.cc) cxx -shared -o work.so "$here/work/$source" "${work_flags[@]}" -I "$here/work" ;;
        *) cc -shared -o work.so "$here/work/$source" "${work_flags[@]}" -I "$here/work" -lm ;;
    esac
    olink -o "$PWD/lib$1.so" "${args[@]}"
    clean "lib$1.so"
    run "$PWD/lib$1.so" "$PWD/work.so"
    bfd -o "$PWD/bfd.so" "${args[@]}"
    same_shape "lib$1.so" bfd.so
    run "$PWD/bfd.so" "$PWD/work.so"
}
