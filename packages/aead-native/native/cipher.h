#ifndef SHADOWFLEET_CIPHER_H
#define SHADOWFLEET_CIPHER_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

/* One AEAD message at a time through OpenSSL. Nothing here knows of JavaScript; lengths are the caller's duty. */

#define NONCE_LENGTH 12
#define TAG_LENGTH 16
#define LONGEST_KEY 32
#define ALGORITHM_COUNT 4

struct algorithm {
  /* As the wire package and OpenSSL both have it. */
  const char *name;
  size_t key_length;
};

extern const struct algorithm ALGORITHMS[ALGORITHM_COUNT];

/*
 * The cipher contexts of one thread. A call puts its key into one of them, which costs little more than the nonce does; so no context
 * belongs to a connection, and there is nothing to free when one ends.
 */
struct ciphers {
  EVP_CIPHER_CTX *sealing[ALGORITHM_COUNT];
  EVP_CIPHER_CTX *opening[ALGORITHM_COUNT];
};

/* NULL when OpenSSL lacks one of the algorithms. */
struct ciphers *ciphers_new(void);
void ciphers_free(struct ciphers *ciphers);

/* BROKEN: OpenSSL refused for a reason that is not in the data. */
enum result { DONE, AUTH_FAILED, BAD_HEADER, NO_ROOM, BROKEN };

/* Puts the key into one of the contexts, for any number of messages. */
enum result cipher_begin(EVP_CIPHER_CTX *context, const uint8_t *key);

/* Writes ciphertext and tag: length + TAG_LENGTH bytes. DONE or BROKEN. */
enum result cipher_seal(EVP_CIPHER_CTX *context, const uint8_t *nonce, const uint8_t *plaintext, size_t length, uint8_t *sealed);

/* Reads `length` bytes of ciphertext and the tag behind them. DONE, AUTH_FAILED or BROKEN; unless DONE, `plaintext` is zero afterwards. */
enum result cipher_open(EVP_CIPHER_CTX *context, const uint8_t *nonce, uint8_t *sealed, size_t length, uint8_t *plaintext);

#endif
