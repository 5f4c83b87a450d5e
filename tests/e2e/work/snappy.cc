/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compresses and restores; damaged input is refused. */
#include "work.h"
#include <snappy.h>
#include <string>

int work(void)
{
    std::string in, packed, out;

    OURS(&snappy::IsValidCompressedBuffer);
    for (int i = 0; i < 20000; i++)
        in += std::to_string(i % 321) + ",";
    snappy::Compress(in.data(), in.size(), &packed);
    CHECK(packed.size() < in.size() / 2);
    CHECK(snappy::Uncompress(packed.data(), packed.size(), &out));
    CHECK(in == out);
    packed.resize(packed.size() / 2);
    CHECK(!snappy::Uncompress(packed.data(), packed.size(), &out));
    return 0;
}
