#ifndef SHADOWFLEET_STREAMS_H
#define SHADOWFLEET_STREAMS_H

#include <stddef.h>
#include <uv.h>

#include "endpoint.h"

/*
 * TCP sockets of one thread, by their descriptors, on an epoll of their own that libuv watches: everything that is ready is told in one turn. Nothing
 * here knows of JavaScript. A descriptor that no stream has is refused everywhere.
 */

/*
 * What is told of a stream. ACCEPTED: the new stream, or a negative errno. CONNECTED: 0 or a negative errno. READ: bytes, 0 at the end, or a negative errno.
 * UNWRITABLE: a negative errno, met by a flow. CORRUPT: the `enum result` at which a flow from it ended.
 */
enum stream_event { ACCEPTED, CONNECTED, READ, ROOM, UNWRITABLE, CORRUPT };

struct streams;
struct flow;

struct stream_observer {
  /* A turn of events begins and ends. */
  void (*begin)(struct streams *streams);
  void (*end)(struct streams *streams);
  void (*tell)(struct streams *streams, enum stream_event event, int fd, int32_t value);
  /* Where the next bytes read go. */
  uint8_t *(*room)(struct streams *streams, size_t *length);
};

enum stream_kind { NO_STREAM, LISTENING, CONNECTING, OPEN };

struct stream {
  /* Of its descriptor's streams, to tell an event of the one before from an event of this one. */
  uint32_t generation;
  enum stream_kind kind;
  bool reads;
  bool awaits_room;
  /* By its flow, whose sink has no room. */
  bool is_held;
  uint32_t watched;
  /* What takes all that is read, where JavaScript does not. */
  struct flow *flow;
  /* Whose flow writes to it, -1: nobody's. */
  int source;
  /* Written by a flow and not taken by the kernel yet, from `pending_at` on; NULL: nothing. */
  uint8_t *pending;
  size_t pending_length;
  size_t pending_at;
};

struct streams {
  const struct stream_observer *observer;
  void *data;
  bool is_turn;
  uv_poll_t poll;
  int epoll;
  size_t open;
  struct stream *table;
  size_t capacity;
  /* Of the latest ACCEPTED or name asked for. */
  struct endpoint name;
  /* Where flows read to and write from, once there are some. */
  uint8_t *flow_memory;
  /* Of flows, by the descriptor they read from: bytes of payload, and reads. */
  double (*moved)[2];
  void (*on_ended)(struct streams *streams);
};

struct listen_wish {
  struct endpoint endpoint;
  bool is_ipv6;
  bool shares_port;
  int backlog;
};

/* NULL: no memory, or no descriptor. */
struct streams *streams_new(uv_loop_t *loop, const struct stream_observer *observer, void *data);
/* Closes all streams; `on_ended` frees. */
void streams_end(struct streams *streams, void (*on_ended)(struct streams *streams));
void streams_free(struct streams *streams);

bool streams_has(const struct streams *streams, size_t fd);
bool streams_is_current(const struct streams *streams, int fd, uint32_t generation);

/* Tells the observer, whose turn begins by it where it has not. */
void streams_tell(struct streams *streams, enum stream_event event, int fd, int32_t value);

/* After anything that says what is wanted of a stream was changed: makes the kernel's idea of it ours. */
void streams_rewatch(struct streams *streams, int fd);

/* A descriptor, whose stream has begun to listen or to connect; or a negative errno. */
int streams_listen(struct streams *streams, const struct listen_wish *wish);
int streams_connect(struct streams *streams, const struct endpoint *peer);

/* Whether to tell of bytes to read, and of room to write. */
void streams_watch(struct streams *streams, int fd, bool reads, bool awaits_room);

/* Bytes taken, which may be fewer and even none, as where a flow's wait, or a negative errno. */
int streams_write(struct streams *streams, int fd, const uint8_t *bytes, size_t length);

/* 0 or a negative errno. */
int streams_shut_down(int fd);

/* `resets`: with RST. */
void streams_close(struct streams *streams, int fd, bool resets);

/* Writes the peer's name or our own to `name`. False: it has none any more. */
bool streams_ask_name(struct streams *streams, int fd, bool of_peer);

#endif
