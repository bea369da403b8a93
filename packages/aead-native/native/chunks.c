#include "chunks.h"

#define PREFIX_LENGTH (SEALED_PREFIX - TAG_LENGTH)

/* Little-endian, wrapping. */
static void increment(uint8_t *nonce) {
  for (int i = 0; i < NONCE_LENGTH; i++) {
    if (++nonce[i] != 0) return;
  }
}

_Static_assert(sizeof(size_t) > sizeof(uint32_t), "the size of any number of chunks fits");

size_t chunks_size(size_t length, size_t max_chunk) {
  size_t chunks = length / max_chunk + (length % max_chunk != 0);
  return length + chunks * CHUNK_OVERHEAD;
}

static enum result chunk_seal(EVP_CIPHER_CTX *context, uint8_t *nonce, const uint8_t *payload, size_t length, uint8_t *sealed) {
  const uint8_t prefix[PREFIX_LENGTH] = {(uint8_t)(length >> 8), (uint8_t)length};
  if (cipher_seal(context, nonce, prefix, PREFIX_LENGTH, sealed) != DONE) return BROKEN;
  increment(nonce);
  if (cipher_seal(context, nonce, payload, length, sealed + SEALED_PREFIX) != DONE) return BROKEN;
  increment(nonce);
  return DONE;
}

/* Payloads of `max_chunk` bytes, the last one shorter, begin `apart` bytes after each other. */
static enum result seal_each(EVP_CIPHER_CTX *context, uint8_t *nonce, const uint8_t *payloads, size_t apart, size_t length, size_t max_chunk, uint8_t *sealed) {
  for (size_t i = 0; i * max_chunk < length; i++) {
    size_t left = length - i * max_chunk;
    size_t chunk = left < max_chunk ? left : max_chunk;
    if (chunk_seal(context, nonce, payloads + i * apart, chunk, sealed + i * (max_chunk + CHUNK_OVERHEAD)) != DONE) return BROKEN;
  }
  return DONE;
}

enum result chunks_seal(EVP_CIPHER_CTX *context, uint8_t *nonce, const uint8_t *plaintext, size_t length, size_t max_chunk, uint8_t *sealed) {
  return seal_each(context, nonce, plaintext, max_chunk, length, max_chunk, sealed);
}

enum result chunks_seal_in_place(EVP_CIPHER_CTX *context, uint8_t *nonce, uint8_t *chunks, size_t length, size_t max_chunk) {
  return seal_each(context, nonce, chunks + SEALED_PREFIX, max_chunk + CHUNK_OVERHEAD, length, max_chunk, chunks);
}

enum result chunks_open(EVP_CIPHER_CTX *context, struct chunk_run *run, uint8_t *sealed, size_t length, uint8_t *plaintext, size_t room) {
  size_t from = 0;
  size_t to = 0;
  run->consumed = 0;
  run->written = 0;
  for (;;) {
    if (run->payload_length == AWAITING_LENGTH) {
      uint8_t prefix[PREFIX_LENGTH];
      if (length - from < SEALED_PREFIX) break;
      enum result opened = cipher_open(context, run->nonce, sealed + from, PREFIX_LENGTH, prefix);
      if (opened != DONE) return opened;
      int32_t announced = prefix[0] << 8 | prefix[1];
      if ((size_t)announced > run->max_chunk) return BAD_HEADER;
      increment(run->nonce);
      from += SEALED_PREFIX;
      run->payload_length = announced;
    }
    size_t payload = (size_t)run->payload_length;
    if (length - from < payload + TAG_LENGTH) break;
    if (room - to < payload) return NO_ROOM;
    enum result opened = cipher_open(context, run->nonce, sealed + from, payload, plaintext + to);
    if (opened != DONE) return opened;
    increment(run->nonce);
    from += payload + TAG_LENGTH;
    to += payload;
    run->payload_length = AWAITING_LENGTH;
  }
  run->consumed = from;
  run->written = to;
  return DONE;
}
