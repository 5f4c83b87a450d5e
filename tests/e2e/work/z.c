/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compresses and restores, through memory and through gzip files' own functions. */
#include "work.h"
#include <zlib.h>

int work(void)
{
    static unsigned char in[100000], packed[120000], out[100000];
    uLongf packed_size = sizeof packed, size = sizeof out;

    OURS(compress2);
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * i >> 7);
    CHECK(compress2(packed, &packed_size, in, sizeof in, 9) == Z_OK);
    CHECK(packed_size < sizeof in);
    CHECK(uncompress(out, &size, packed, packed_size) == Z_OK);
    CHECK(size == sizeof in && memcmp(in, out, size) == 0);
    CHECK(crc32(0, (const Bytef *)"123456789", 9) == 0xcbf43926);
    CHECK(adler32(1, (const Bytef *)"Wikipedia", 9) == 0x11e60398);
    CHECK(strcmp(zError(Z_DATA_ERROR), "data error") == 0);
    packed[packed_size / 2] ^= 0x55;
    size = sizeof out;
    CHECK(uncompress(out, &size, packed, packed_size) != Z_OK);
    return 0;
}
