#include "flows.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Reads of one flow in a row before the others have their turn. */
#define READS_MOST 2
/*
 * What a read may bring. It begins small, doubles with every read that was full and was taken by the kernel whole, and is small again when the kernel did
 * not take it: what goes to somebody slow is not held in large pieces.
 */
#define ROOM_LEAST (64 * 1024)
#define OPENING_MOST (256 * 1024)
#define SEALING_MOST (512 * 1024)
/* In front of what is read to be opened, where the beginning of a message goes that came earlier. */
#define HEADROOM (LONGEST_CHUNK + TAG_LENGTH)
#define OPENED_ROOM (HEADROOM + OPENING_MOST)
/* What opens reads to one part of it and opens to the other; what seals reads to where it seals. */
#define FLOW_MEMORY (HEADROOM + OPENING_MOST + OPENED_ROOM)
#define CHUNKS_MOST (SEALING_MOST / SMALLEST_FLOW_CHUNK)

_Static_assert(SEALING_MOST + CHUNKS_MOST * CHUNK_OVERHEAD <= FLOW_MEMORY, "what is read has room when it is sealed");
_Static_assert(ROOM_LEAST >= LONGEST_CHUNK, "a chunk can be read whole");

static size_t message_size(const struct flow *flow) {
  return flow->payload_length == AWAITING_LENGTH ? SEALED_PREFIX : (size_t)flow->payload_length + TAG_LENGTH;
}

void flow_free(struct flow *flow) {
  free(flow->partial);
  OPENSSL_cleanse(flow->key, sizeof flow->key);
  free(flow);
}

/* False: no memory, or more than a message. */
static bool keep(struct flow *flow, const uint8_t *bytes, size_t length) {
  size_t size = message_size(flow);
  if (length == 0) return true;
  if (flow->partial_length + length > size) return false;
  if (flow->partial == NULL) flow->partial = malloc(size);
  if (flow->partial == NULL) return false;
  memcpy(flow->partial + flow->partial_length, bytes, length);
  flow->partial_length += length;
  return true;
}

bool flow_start(struct streams *streams, int source, struct flow *flow, const uint8_t *partial, size_t length) {
  struct stream *from = &streams->table[source];
  struct stream *to = &streams->table[flow->sink];
  if (streams->flow_memory == NULL) streams->flow_memory = malloc(FLOW_MEMORY);
  bool is_possible = streams->flow_memory != NULL && source < FLOW_DESCRIPTORS && source != flow->sink && from->kind == OPEN && to->kind == OPEN &&
                     from->flow == NULL && to->source < 0 && keep(flow, partial, length);
  if (!is_possible) {
    flow_free(flow);
    return false;
  }
  flow->room = ROOM_LEAST;
  from->flow = flow;
  to->source = source;
  streams->moved[source][0] = 0;
  streams->moved[source][1] = 0;
  return true;
}

struct flow *flow_take(struct streams *streams, int source) {
  struct stream *from = &streams->table[source];
  struct flow *flow = from->flow;
  if (flow == NULL) return NULL;
  if (flow->sink >= 0) streams->table[flow->sink].source = -1;
  from->flow = NULL;
  from->is_held = false;
  streams_rewatch(streams, source);
  return flow;
}

static void hold(struct streams *streams, int source, bool is_held) {
  streams->table[source].is_held = is_held;
  streams_rewatch(streams, source);
}

static void forget_pending(struct stream *stream) {
  free(stream->pending);
  stream->pending = NULL;
}

void flow_forget(struct streams *streams, int fd) {
  struct stream *stream = &streams->table[fd];
  forget_pending(stream);
  if (stream->source >= 0) {
    streams->table[stream->source].flow->sink = -1;
    hold(streams, stream->source, true);
    stream->source = -1;
  }
  struct flow *flow = flow_take(streams, fd);
  if (flow != NULL) flow_free(flow);
}

/* What the kernel does not take is kept, and the flow held until it has. False: the stream is broken, which was told. */
static bool put(struct streams *streams, int sink, const uint8_t *bytes, size_t length) {
  int written = streams_write(streams, sink, bytes, length);
  size_t left = written < 0 ? 0 : length - (size_t)written;
  struct stream *to = &streams->table[sink];
  if (left > 0 && (to->pending = malloc(left)) == NULL) written = -ENOMEM;
  if (written < 0) {
    hold(streams, to->source, true);
    streams_tell(streams, UNWRITABLE, sink, written);
    return false;
  }
  if (left == 0) return true;
  memcpy(to->pending, bytes + written, left);
  to->pending_length = left;
  to->pending_at = 0;
  streams_rewatch(streams, sink);
  hold(streams, to->source, true);
  return true;
}

bool flow_write_on(struct streams *streams, int sink) {
  struct stream *to = &streams->table[sink];
  uint8_t *bytes = to->pending;
  to->pending = NULL;
  int written = streams_write(streams, sink, bytes + to->pending_at, to->pending_length - to->pending_at);
  if (written < 0) {
    free(bytes);
    streams_rewatch(streams, sink);
    streams_tell(streams, UNWRITABLE, sink, written);
    return false;
  }
  to->pending_at += (size_t)written;
  if (to->pending_at < to->pending_length) {
    to->pending = bytes;
    return false;
  }
  free(bytes);
  streams_rewatch(streams, sink);
  if (to->source >= 0) hold(streams, to->source, false);
  return true;
}

/* Reads payloads to where `chunks_seal_in_place` seals them; `room` becomes what there was room for, whole chunks. */
static ssize_t read_payloads(int source, size_t max_chunk, uint8_t *chunks, size_t *room) {
  struct iovec payloads[CHUNKS_MOST];
  size_t count = *room / max_chunk;
  for (size_t i = 0; i < count; i++) {
    payloads[i].iov_base = chunks + i * (max_chunk + CHUNK_OVERHEAD) + SEALED_PREFIX;
    payloads[i].iov_len = max_chunk;
  }
  struct msghdr message = {.msg_iov = payloads, .msg_iovlen = count};
  *room = count * max_chunk;
  return recvmsg(source, &message, MSG_DONTWAIT);
}

/* What comes out of `length` bytes that were read behind the headroom of `in`; DONE or why the flow cannot go on. */
static enum result open_messages(struct flow *flow, uint8_t *in, size_t length, uint8_t *out, size_t *written) {
  *written = 0;
  /* So that a message that comes in many small pieces is not moved about with each. */
  if (flow->partial_length > 0 && flow->partial_length + length < message_size(flow)) return keep(flow, in + HEADROOM, length) ? DONE : BROKEN;
  size_t earlier = flow->partial_length;
  uint8_t *sealed = in + HEADROOM - earlier;
  if (earlier > 0) memcpy(sealed, flow->partial, earlier);
  free(flow->partial);
  flow->partial = NULL;
  flow->partial_length = 0;
  struct chunk_run run = {.nonce = flow->nonce, .max_chunk = flow->max_chunk, .payload_length = flow->payload_length};
  enum result result = chunks_open(flow->context, &run, sealed, earlier + length, out, OPENED_ROOM);
  flow->payload_length = run.payload_length;
  if (result != DONE) return result;
  *written = run.written;
  return keep(flow, sealed + run.consumed, earlier + length - run.consumed) ? DONE : BROKEN;
}

/* The bytes of a read come out at `out`. */
static enum result pass(struct flow *flow, uint8_t *in, size_t length, uint8_t *out, size_t *written) {
  if (cipher_begin(flow->context, flow->key) != DONE) return BROKEN;
  if (!flow->seals) return open_messages(flow, in, length, out, written);
  *written = chunks_size(length, flow->max_chunk);
  return chunks_seal_in_place(flow->context, flow->nonce, out, length, flow->max_chunk);
}

static void grow(struct flow *flow) {
  size_t most = flow->seals ? SEALING_MOST : OPENING_MOST;
  flow->room = flow->room * 2 < most ? flow->room * 2 : most;
}

void flow_read(struct streams *streams, int source) {
  uint32_t generation = streams->table[source].generation;
  uint8_t *in = streams->flow_memory;
  for (int i = 0; i < READS_MOST; i++) {
    struct stream *from = &streams->table[source];
    struct flow *flow = from->flow;
    uint8_t *out = flow->seals ? in : in + HEADROOM + OPENING_MOST;
    size_t room = flow->room;
    ssize_t count = flow->seals ? read_payloads(source, flow->max_chunk, out, &room) : recv(source, in + HEADROOM, room, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      from->reads = false;
      streams_tell(streams, READ, source, count < 0 ? -errno : 0);
      if (streams_is_current(streams, source, generation)) streams_rewatch(streams, source);
      return;
    }
    size_t written;
    enum result result = pass(flow, in, (size_t)count, out, &written);
    if (result != DONE) {
      hold(streams, source, true);
      streams_tell(streams, CORRUPT, source, (int32_t)result);
      return;
    }
    streams->moved[source][0] += (double)(flow->seals ? (size_t)count : written);
    streams->moved[source][1] += 1;
    if (written > 0 && !put(streams, flow->sink, out, written)) return;
    if (from->is_held) flow->room = ROOM_LEAST;
    if ((size_t)count < room || from->is_held) return;
    grow(flow);
  }
}
