/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known hashes, AES-GCM (assembly with CPU dispatch), an EC signature, big numbers, error texts. */
#include "work.h"
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

static int gcm(void)
{
    unsigned char key[32] = {1}, iv[12] = {2}, in[1000] = {3}, out[1000], back[1000], tag[16];
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0;

    CHECK(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, iv) == 1);
    CHECK(EVP_EncryptUpdate(c, out, &n, in, sizeof in) == 1 && n == sizeof in);
    CHECK(EVP_EncryptFinal_ex(c, out + n, &n) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, sizeof tag, tag) == 1);
    CHECK(EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, iv) == 1);
    CHECK(EVP_DecryptUpdate(c, back, &n, out, sizeof out) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag) == 1);
    CHECK(EVP_DecryptFinal_ex(c, back + n, &n) == 1);
    CHECK(memcmp(in, back, sizeof in) == 0);
    EVP_CIPHER_CTX_free(c);
    return 0;
}

static int sign(void)
{
    static const unsigned char text[] = "signed";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    unsigned char signature[200];
    size_t size = sizeof signature;

    CHECK(key && c);
    CHECK(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) == 1);
    CHECK(EVP_DigestSign(c, signature, &size, text, sizeof text) == 1);
    EVP_MD_CTX_free(c);
    c = EVP_MD_CTX_new();
    CHECK(EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) == 1);
    CHECK(EVP_DigestVerify(c, signature, size, text, sizeof text) == 1);
    CHECK(EVP_DigestVerify(c, signature, size, text, sizeof text - 1) != 1);
    EVP_MD_CTX_free(c);
    EVP_PKEY_free(key);
    return 0;
}

int work(void)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    BIGNUM *a = NULL, *r = BN_new();
    BN_CTX *bn = BN_CTX_new();

    OURS(EVP_Digest);
    CHECK(EVP_Digest("abc", 3, hash, &size, EVP_sha512(), NULL) == 1 && size == 64);
    CHECK(memcmp(hash, "\xdd\xaf\x35\xa1\x93\x61\x7a\xba", 8) == 0);
    CHECK(EVP_Digest("abc", 3, hash, &size, EVP_md5(), NULL) == 1 && size == 16);
    CHECK(memcmp(hash, "\x90\x01\x50\x98\x3c\xd2\x4f\xb0", 8) == 0);
    CHECK(gcm() == 0);
    CHECK(sign() == 0);
    CHECK(BN_dec2bn(&a, "170141183460469231731687303715884105727") > 0); /* 2^127 - 1 */
    CHECK(BN_check_prime(a, bn, NULL) == 1);
    CHECK(BN_sqr(r, a, bn) == 1);
    CHECK(BN_check_prime(r, bn, NULL) == 0);
    EVP_PKEY_CTX_new_from_name(NULL, "no such algorithm", NULL);
    CHECK(ERR_reason_error_string(ERR_peek_error()) != NULL);
    BN_free(a);
    BN_free(r);
    BN_CTX_free(bn);
    return 0;
}
