#ifndef SHADOWFLEET_DATAGRAMS_H
#define SHADOWFLEET_DATAGRAMS_H

#include <stddef.h>
#include <uv.h>

#include "endpoint.h"

/*
 * UDP sockets of one thread, many datagrams to a system call. Nothing here knows of JavaScript: what JavaScript shares is the memory of `struct
 * datagrams`, which is allocated once and outlives every socket. Sockets have numbers, and what they cost is their descriptor and `struct udp_socket`.
 */

/* One call of recvmmsg(2). */
#define RECEIVED_MOST 32
/* Two datagrams of any length never touch; the odd part spreads the slots over the processor's cache. */
#define RECEIVED_SLOT (65536 + 2048 + 64)
/* One call of sendDatagrams. */
#define SENT_MOST 64
#define SENT_ROOM (256 * 1024)
#define LONGEST_DATAGRAM 65535

/* Eight words of an Int32Array. */
struct arrival {
  struct endpoint from;
  int32_t length;
  int32_t unused;
};

/* Ten words of an Int32Array. A port of 0 is the peer of a connected socket. */
struct departure {
  struct endpoint to;
  int32_t socket;
  int32_t offset;
  int32_t length;
  /* Written by `datagrams_send`: 0, or a negative errno. */
  int32_t status;
};

struct datagrams;

struct udp_socket {
  uv_poll_t poll;
  struct datagrams *owner;
  int fd;
  int family;
  int32_t number;
  bool awaits_room;
  bool is_closed;
};

/* `count` datagrams lie in `arrivals` and `received`; negative: the errno of a failed receipt; 0: there is room to send again. */
typedef void (*datagrams_event)(struct datagrams *datagrams, int32_t number, int32_t count);

struct datagrams {
  uv_loop_t *loop;
  datagrams_event on_event;
  void *data;
  struct udp_socket **sockets;
  size_t capacity;
  /* No number below it is free. */
  size_t lowest_free;
  /* Open, or closed and not yet let go by the loop. */
  size_t held;
  /* Called once, when `datagrams_end` was and nothing is held any more. */
  void (*on_ended)(struct datagrams *datagrams);
  struct arrival arrivals[RECEIVED_MOST];
  struct departure departures[SENT_MOST];
  uint8_t *received;
  uint8_t *sent;
};

struct socket_wish {
  struct endpoint endpoint;
  bool is_ipv6;
  bool ipv6_only;
  bool shares_port;
  /* To the endpoint, instead of bound to it. */
  bool connects;
  /* Bytes asked of the kernel; 0: its default. */
  int receive_buffer;
};

/* NULL: no memory. */
struct datagrams *datagrams_new(uv_loop_t *loop, datagrams_event on_event, void *data);

/* Closes all sockets; `on_ended` frees. */
void datagrams_end(struct datagrams *datagrams, void (*on_ended)(struct datagrams *datagrams));
void datagrams_free(struct datagrams *datagrams);

/* Whether the kernel has the system calls. */
bool datagrams_work(void);

/* The number of a new socket, whose local endpoint is written; or a negative errno. */
int32_t datagrams_open(struct datagrams *datagrams, const struct socket_wish *wish, struct endpoint *local);

/* NULL when no socket has the number. */
struct udp_socket *datagrams_socket(struct datagrams *datagrams, size_t number);

/* Frees the port now. */
void datagrams_close(struct udp_socket *socket);

/* Whether to tell when there is room to send. */
void datagrams_await_room(struct udp_socket *socket, bool awaits);

/* Sends the first `count` of `departures`, all of which must lie within `sent`. Returns how many the kernel did not take. */
size_t datagrams_send(struct datagrams *datagrams, size_t count);

#endif
