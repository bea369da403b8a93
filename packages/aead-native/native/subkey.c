/* For a few bytes OpenSSL's newer interface takes ten times as long as the hash itself, which is what these functions are. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "subkey.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

/* HMAC (RFC 2104) that has absorbed its key. */
struct hmac {
  SHA_CTX inner;
  SHA_CTX outer;
};

static void absorb(SHA_CTX *state, const uint8_t *key, size_t length, uint8_t pad) {
  uint8_t block[SHA_CBLOCK];
  memset(block, pad, sizeof block);
  for (size_t i = 0; i < length; i++) block[i] ^= key[i];
  SHA1_Init(state);
  SHA1_Update(state, block, sizeof block);
  OPENSSL_cleanse(block, sizeof block);
}

static void hmac_begin(struct hmac *hmac, const uint8_t *key, size_t length) {
  absorb(&hmac->inner, key, length, 0x36);
  absorb(&hmac->outer, key, length, 0x5c);
}

/* `mac` may be part of the message. */
static void hmac_of(const struct hmac *hmac, const uint8_t *message, size_t length, uint8_t *mac) {
  SHA_CTX state = hmac->inner;
  SHA1_Update(&state, message, length);
  SHA1_Final(mac, &state);
  state = hmac->outer;
  SHA1_Update(&state, mac, SHA_DIGEST_LENGTH);
  SHA1_Final(mac, &state);
}

#define INFO "ss-subkey"
#define INFO_LENGTH (sizeof INFO - 1)

/* HKDF (RFC 5869): extract, then the one or two steps of expand that a key of this length needs. */
void derive_subkey(const uint8_t *key, size_t key_length, const uint8_t *salt, size_t salt_length, uint8_t *subkey) {
  struct hmac hmac;
  uint8_t step[SHA_DIGEST_LENGTH + INFO_LENGTH + 1];
  uint8_t *info = step + SHA_DIGEST_LENGTH;
  uint8_t output[SHA_DIGEST_LENGTH];
  size_t first = key_length < SHA_DIGEST_LENGTH ? key_length : SHA_DIGEST_LENGTH;

  hmac_begin(&hmac, salt, salt_length);
  hmac_of(&hmac, key, key_length, output);
  hmac_begin(&hmac, output, sizeof output);
  memcpy(info, INFO, INFO_LENGTH);
  info[INFO_LENGTH] = 1;
  hmac_of(&hmac, info, INFO_LENGTH + 1, step);
  memcpy(subkey, step, first);
  if (key_length > first) {
    info[INFO_LENGTH] = 2;
    hmac_of(&hmac, step, sizeof step, output);
    memcpy(subkey + first, output, key_length - first);
  }
  OPENSSL_cleanse(&hmac, sizeof hmac);
  OPENSSL_cleanse(step, sizeof step);
  OPENSSL_cleanse(output, sizeof output);
}
