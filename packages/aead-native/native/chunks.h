#ifndef SHADOWFLEET_CHUNKS_H
#define SHADOWFLEET_CHUNKS_H

#include "cipher.h"

/* Chunk streams of SIP004 and SIP022, { seal(n, length) seal(n + 1, payload) }*: what `chunk-loop.ts` of the wire package does. */

#define AWAITING_LENGTH (-1)
#define LONGEST_CHUNK 0xffff
/* A sealed length, in front of each payload. */
#define SEALED_PREFIX (2 + TAG_LENGTH)
/* What sealing adds to a chunk. */
#define CHUNK_OVERHEAD (SEALED_PREFIX + TAG_LENGTH)

/* Bytes that `length` bytes of plaintext become, INT32_MAX at most. */
size_t chunks_size(size_t length, size_t max_chunk);

/* Seals all of it, advances the nonce by two for every chunk and writes `chunks_size` bytes. DONE or BROKEN. */
enum result chunks_seal(EVP_CIPHER_CTX *context, uint8_t *nonce, const uint8_t *plaintext, size_t length, size_t max_chunk, uint8_t *sealed);

/*
 * The same where the payloads, all of `max_chunk` bytes but the last, lie already where they will be sealed: each SEALED_PREFIX bytes into the room of its
 * chunk.
 */
enum result chunks_seal_in_place(EVP_CIPHER_CTX *context, uint8_t *nonce, uint8_t *chunks, size_t length, size_t max_chunk);

/* Where the opening of a stream stands. */
struct chunk_run {
  uint8_t *nonce;
  size_t max_chunk;
  int32_t payload_length;
  size_t consumed;
  size_t written;
};

/* Opens as many whole messages as there are; `plaintext` has `room` bytes. Any result but DONE ends the stream. */
enum result chunks_open(EVP_CIPHER_CTX *context, struct chunk_run *run, uint8_t *sealed, size_t length, uint8_t *plaintext, size_t room);

#endif
