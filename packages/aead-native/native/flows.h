#ifndef SHADOWFLEET_FLOWS_H
#define SHADOWFLEET_FLOWS_H

#include "chunks.h"
#include "streams.h"

/*
 * One direction of a relayed connection that goes on without JavaScript: what is read from one stream is sealed or opened, chunk by chunk, and written to
 * another. Ends, breaks and corrupt chunks are told; JavaScript then takes the flow back and does with it what it does with its own.
 */

/* Flows read from descriptors below this. */
#define FLOW_DESCRIPTORS 65536
#define SMALLEST_FLOW_CHUNK 1024

struct flow {
  int sink;
  bool seals;
  /* Of the direction it works in. */
  EVP_CIPHER_CTX *context;
  uint8_t key[LONGEST_KEY];
  uint8_t nonce[NONCE_LENGTH];
  size_t max_chunk;
  /* Bytes the next read may bring. */
  size_t room;
  /* As in `struct chunk_run`. */
  int32_t payload_length;
  /* The beginning of a message whose rest has not come, in memory for all of it; NULL: there is none. */
  uint8_t *partial;
  size_t partial_length;
};

/* Takes `flow`, allocated, whose `partial` is NULL. The bytes are the beginning of a message. False: it was freed, and nothing has changed. */
bool flow_start(struct streams *streams, int source, struct flow *flow, const uint8_t *partial, size_t length);

/* The flow from this stream, which the caller frees with `flow_free`; NULL: there is none. */
struct flow *flow_take(struct streams *streams, int source);
void flow_free(struct flow *flow);

/* Before a stream is closed: frees the flow from it and what it has pending, and holds the flow to it. */
void flow_forget(struct streams *streams, int fd);

/* Reads what there is and passes it on, within bounds. */
void flow_read(struct streams *streams, int source);

/* Writes on what a flow has left pending. True: there is nothing left. */
bool flow_write_on(struct streams *streams, int sink);

#endif
