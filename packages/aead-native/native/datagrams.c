#include "datagrams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Turns of recvmmsg for one socket before the others have theirs. */
#define RECEIVE_ROUNDS 4

struct datagrams *datagrams_new(uv_loop_t *loop, datagrams_event on_event, void *data) {
  struct datagrams *datagrams = calloc(1, sizeof *datagrams);
  if (datagrams == NULL) return NULL;
  datagrams->loop = loop;
  datagrams->on_event = on_event;
  datagrams->data = data;
  /* Pages are the system's until a datagram comes to lie in them. */
  datagrams->received = malloc((size_t)RECEIVED_MOST * RECEIVED_SLOT);
  datagrams->sent = malloc(SENT_ROOM);
  if (datagrams->received != NULL && datagrams->sent != NULL) return datagrams;
  datagrams_free(datagrams);
  return NULL;
}

void datagrams_free(struct datagrams *datagrams) {
  free(datagrams->received);
  free(datagrams->sent);
  free(datagrams->sockets);
  free(datagrams);
}

bool datagrams_work(void) {
  return recvmmsg(-1, NULL, 0, MSG_DONTWAIT, NULL) == -1 && errno == EBADF && sendmmsg(-1, NULL, 0, MSG_DONTWAIT) == -1 && errno == EBADF;
}

static void receive(struct udp_socket *socket) {
  struct datagrams *datagrams = socket->owner;
  for (int round = 0; round < RECEIVE_ROUNDS && !socket->is_closed; round++) {
    struct mmsghdr messages[RECEIVED_MOST];
    struct iovec parts[RECEIVED_MOST];
    union socket_address sources[RECEIVED_MOST];
    for (size_t i = 0; i < RECEIVED_MOST; i++) {
      parts[i] = (struct iovec){datagrams->received + i * RECEIVED_SLOT, LONGEST_DATAGRAM};
      messages[i].msg_hdr =
          (struct msghdr){.msg_name = &sources[i], .msg_namelen = sizeof sources[i], .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(socket->fd, messages, RECEIVED_MOST, MSG_DONTWAIT, NULL);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR) datagrams->on_event(datagrams, socket->number, -errno);
      return;
    }
    for (int i = 0; i < count; i++) {
      datagrams->arrivals[i].from = endpoint_of(&sources[i]);
      datagrams->arrivals[i].length = (int32_t)messages[i].msg_len;
    }
    if (count > 0) datagrams->on_event(datagrams, socket->number, count);
    if (count < RECEIVED_MOST) return;
  }
}

static void watch(struct udp_socket *socket);

/* With an error pending libuv stops watching and says so by `status`; receiving fetches the error, and clears it. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  struct udp_socket *socket = poll->data;
  if (status < 0 || (events & UV_READABLE) != 0) receive(socket);
  if (!socket->is_closed && (events & UV_WRITABLE) != 0) socket->owner->on_event(socket->owner, socket->number, 0);
  if (!socket->is_closed && status < 0) watch(socket);
}

static void watch(struct udp_socket *socket) {
  uv_poll_start(&socket->poll, socket->awaits_room ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
}

/* The index of a free place, or -1 without memory for one. */
static int32_t take_number(struct datagrams *datagrams) {
  for (; datagrams->lowest_free < datagrams->capacity; datagrams->lowest_free++)
    if (datagrams->sockets[datagrams->lowest_free] == NULL) return (int32_t)datagrams->lowest_free;
  size_t capacity = datagrams->capacity == 0 ? 16 : datagrams->capacity * 2;
  struct udp_socket **sockets = capacity > INT32_MAX ? NULL : realloc(datagrams->sockets, capacity * sizeof *sockets);
  if (sockets == NULL) return -1;
  memset(sockets + datagrams->capacity, 0, (capacity - datagrams->capacity) * sizeof *sockets);
  datagrams->sockets = sockets;
  datagrams->capacity = capacity;
  return (int32_t)datagrams->lowest_free;
}

static bool set(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof value) == 0; }

/* A descriptor, or a negative errno. */
static int open_descriptor(const struct socket_wish *wish, struct endpoint *local) {
  int family = wish->is_ipv6 ? AF_INET6 : AF_INET;
  union socket_address address;
  socklen_t length = endpoint_address(&wish->endpoint, family, &address);
  if (length == 0) return -EAFNOSUPPORT;
  int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  bool is_ready = (!wish->is_ipv6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, wish->ipv6_only)) &&
                  (!wish->shares_port || set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
                  (wish->connects ? connect : bind)(fd, &address.any, length) == 0;
  length = sizeof address;
  if (!is_ready || getsockname(fd, &address.any, &length) != 0) {
    int failure = -errno;
    close(fd);
    return failure;
  }
  /* A sandbox may forbid it; the kernel's default serves too, with less room for bursts. */
  if (wish->receive_buffer > 0) set(fd, SOL_SOCKET, SO_RCVBUF, wish->receive_buffer);
  *local = endpoint_of(&address);
  return fd;
}

int32_t datagrams_open(struct datagrams *datagrams, const struct socket_wish *wish, struct endpoint *local) {
  int fd = open_descriptor(wish, local);
  if (fd < 0) return fd;
  int32_t number = take_number(datagrams);
  struct udp_socket *socket = number < 0 ? NULL : calloc(1, sizeof *socket);
  int failure = socket == NULL ? -ENOMEM : uv_poll_init(datagrams->loop, &socket->poll, fd);
  if (failure != 0) {
    free(socket);
    close(fd);
    return failure;
  }
  socket->owner = datagrams;
  socket->fd = fd;
  socket->family = wish->is_ipv6 ? AF_INET6 : AF_INET;
  socket->number = number;
  socket->poll.data = socket;
  datagrams->sockets[number] = socket;
  datagrams->held += 1;
  watch(socket);
  return number;
}

struct udp_socket *datagrams_socket(struct datagrams *datagrams, size_t number) {
  return number < datagrams->capacity ? datagrams->sockets[number] : NULL;
}

static void end_if_empty(struct datagrams *datagrams) {
  if (datagrams->on_ended != NULL && datagrams->held == 0) datagrams->on_ended(datagrams);
}

static void on_closed(uv_handle_t *handle) {
  struct udp_socket *socket = handle->data;
  struct datagrams *datagrams = socket->owner;
  free(socket);
  datagrams->held -= 1;
  end_if_empty(datagrams);
}

void datagrams_close(struct udp_socket *socket) {
  socket->is_closed = true;
  struct datagrams *datagrams = socket->owner;
  datagrams->sockets[socket->number] = NULL;
  if ((size_t)socket->number < datagrams->lowest_free) datagrams->lowest_free = (size_t)socket->number;
  /* libuv forgets the descriptor here, so that it may be closed before the handle is. */
  uv_close((uv_handle_t *)&socket->poll, on_closed);
  close(socket->fd);
}

void datagrams_await_room(struct udp_socket *socket, bool awaits) {
  socket->awaits_room = awaits;
  watch(socket);
}

void datagrams_end(struct datagrams *datagrams, void (*on_ended)(struct datagrams *datagrams)) {
  datagrams->on_ended = on_ended;
  for (size_t i = 0; i < datagrams->capacity; i++)
    if (datagrams->sockets[i] != NULL) datagrams_close(datagrams->sockets[i]);
  end_if_empty(datagrams);
}
