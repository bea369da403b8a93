#include "cipher.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

const struct algorithm ALGORITHMS[ALGORITHM_COUNT] = {
    {"aes-128-gcm", 16},
    {"aes-192-gcm", 24},
    {"aes-256-gcm", 32},
    {"chacha20-poly1305", 32},
};

/* In `EVP_CipherInit_ex2`: the direction stays what it is. */
#define SAME_DIRECTION (-1)

/* A context that only lacks a key; it keeps its own reference to the cipher. */
static EVP_CIPHER_CTX *context_new(const char *name, int seals) {
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (cipher == NULL || context == NULL || EVP_CipherInit_ex2(context, cipher, NULL, NULL, seals, NULL) != 1) {
    EVP_CIPHER_CTX_free(context);
    context = NULL;
  }
  EVP_CIPHER_free(cipher);
  return context;
}

struct ciphers *ciphers_new(void) {
  struct ciphers *ciphers = calloc(1, sizeof *ciphers);
  if (ciphers == NULL) return NULL;
  for (int i = 0; i < ALGORITHM_COUNT; i++) {
    ciphers->sealing[i] = context_new(ALGORITHMS[i].name, 1);
    ciphers->opening[i] = context_new(ALGORITHMS[i].name, 0);
    if (ciphers->sealing[i] != NULL && ciphers->opening[i] != NULL) continue;
    ERR_clear_error();
    ciphers_free(ciphers);
    return NULL;
  }
  return ciphers;
}

void ciphers_free(struct ciphers *ciphers) {
  for (int i = 0; i < ALGORITHM_COUNT; i++) {
    EVP_CIPHER_CTX_free(ciphers->sealing[i]);
    EVP_CIPHER_CTX_free(ciphers->opening[i]);
  }
  free(ciphers);
}

/* Whatever is left in OpenSSL's queue of errors would be reported by the next call of node:crypto. */
static enum result failed(enum result result) {
  ERR_clear_error();
  return result;
}

enum result cipher_begin(EVP_CIPHER_CTX *context, const uint8_t *key) {
  return EVP_CipherInit_ex2(context, NULL, key, NULL, SAME_DIRECTION, NULL) == 1 ? DONE : failed(BROKEN);
}

/* An empty message has no text to pass on, and a missing buffer would mean something else to OpenSSL. */
static bool pass_text(EVP_CIPHER_CTX *context, const uint8_t *from, size_t length, uint8_t *to) {
  int passed = 0;
  return length == 0 || (EVP_CipherUpdate(context, to, &passed, from, (int)length) == 1 && (size_t)passed == length);
}

static bool finish(EVP_CIPHER_CTX *context) {
  uint8_t nothing[EVP_MAX_BLOCK_LENGTH];
  int length = 0;
  return EVP_CipherFinal_ex(context, nothing, &length) == 1 && length == 0;
}

enum result cipher_seal(EVP_CIPHER_CTX *context, const uint8_t *nonce, const uint8_t *plaintext, size_t length, uint8_t *sealed) {
  OSSL_PARAM tag[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, sealed + length, TAG_LENGTH), OSSL_PARAM_END};
  bool done = EVP_CipherInit_ex2(context, NULL, NULL, nonce, SAME_DIRECTION, NULL) == 1 && pass_text(context, plaintext, length, sealed) &&
              finish(context) && EVP_CIPHER_CTX_get_params(context, tag) == 1;
  return done ? DONE : failed(BROKEN);
}

enum result cipher_open(EVP_CIPHER_CTX *context, const uint8_t *nonce, uint8_t *sealed, size_t length, uint8_t *plaintext) {
  const OSSL_PARAM tag[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, sealed + length, TAG_LENGTH), OSSL_PARAM_END};
  bool passed = EVP_CipherInit_ex2(context, NULL, NULL, nonce, SAME_DIRECTION, tag) == 1 && pass_text(context, sealed, length, plaintext);
  if (passed && finish(context)) return DONE;
  if (length > 0) memset(plaintext, 0, length);
  return failed(passed ? AUTH_FAILED : BROKEN);
}
