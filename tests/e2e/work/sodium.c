/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hash with a known answer, an authenticated box, a signature; CPU dispatch runs in sodium_init. */
#include "work.h"
#include <sodium.h>

int work(void)
{
    static const unsigned char message[] = "a message";
    unsigned char hash[crypto_hash_sha256_BYTES], key[crypto_secretbox_KEYBYTES];
    unsigned char nonce[crypto_secretbox_NONCEBYTES] = {1}, box[100], back[100];
    unsigned char pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
    unsigned char signature[crypto_sign_BYTES];
    char hex[2 * sizeof hash + 1];

    OURS(sodium_init);
    CHECK(sodium_init() == 0);
    crypto_hash_sha256(hash, (const unsigned char *)"abc", 3);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    CHECK(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
    crypto_secretbox_keygen(key);
    CHECK(crypto_secretbox_easy(box, message, sizeof message, nonce, key) == 0);
    CHECK(crypto_secretbox_open_easy(back, box, sizeof message + crypto_secretbox_MACBYTES, nonce,
                                     key) == 0);
    CHECK(memcmp(back, message, sizeof message) == 0);
    box[0] ^= 1;
    CHECK(crypto_secretbox_open_easy(back, box, sizeof message + crypto_secretbox_MACBYTES, nonce,
                                     key) != 0);
    CHECK(crypto_sign_keypair(pk, sk) == 0);
    CHECK(crypto_sign_detached(signature, NULL, message, sizeof message, sk) == 0);
    CHECK(crypto_sign_verify_detached(signature, message, sizeof message, pk) == 0);
    return 0;
}
