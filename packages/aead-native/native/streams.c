#include "streams.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flows.h"

#define READY_MOST 64
/* Reads of one stream in a row before the others have their turn, while each fills the buffer. */
#define READS_MOST 8

static void on_ready(uv_poll_t *poll, int status, int events);

struct streams *streams_new(uv_loop_t *loop, const struct stream_observer *observer, void *data) {
  struct streams *streams = calloc(1, sizeof *streams);
  if (streams == NULL) return NULL;
  streams->observer = observer;
  streams->data = data;
  streams->poll.data = streams;
  streams->moved = calloc(FLOW_DESCRIPTORS, sizeof *streams->moved);
  streams->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (streams->moved == NULL || streams->epoll < 0 || uv_poll_init(loop, &streams->poll, streams->epoll) != 0) {
    if (streams->epoll >= 0) close(streams->epoll);
    free(streams->moved);
    free(streams);
    return NULL;
  }
  uv_poll_start(&streams->poll, UV_READABLE, on_ready);
  /* Kept alive by streams alone. */
  uv_unref((uv_handle_t *)&streams->poll);
  return streams;
}

void streams_free(struct streams *streams) {
  free(streams->table);
  free(streams->flow_memory);
  free(streams->moved);
  free(streams);
}

bool streams_has(const struct streams *streams, size_t fd) { return fd < streams->capacity && streams->table[fd].kind != NO_STREAM; }

bool streams_is_current(const struct streams *streams, int fd, uint32_t generation) {
  return streams_has(streams, (size_t)fd) && streams->table[fd].generation == generation;
}

/* Takes the descriptor in, or closes it and returns a negative errno. */
static int add(struct streams *streams, int fd, enum stream_kind kind) {
  if ((size_t)fd >= streams->capacity) {
    size_t capacity = (size_t)fd < 64 ? 128 : (size_t)fd * 2;
    struct stream *table = realloc(streams->table, capacity * sizeof *table);
    if (table == NULL) {
      close(fd);
      return -ENOMEM;
    }
    memset(table + streams->capacity, 0, (capacity - streams->capacity) * sizeof *table);
    streams->table = table;
    streams->capacity = capacity;
  }
  uint32_t generation = streams->table[fd].generation + 1;
  streams->table[fd] = (struct stream){.generation = generation, .kind = kind, .source = -1};
  if (streams->open++ == 0) uv_ref((uv_handle_t *)&streams->poll);
  return fd;
}

static uint32_t wanted_events(const struct stream *stream) {
  if (stream->kind == LISTENING) return EPOLLIN;
  if (stream->kind == CONNECTING) return EPOLLOUT;
  bool wants_room = stream->awaits_room || stream->pending != NULL;
  return (stream->reads && !stream->is_held ? EPOLLIN | EPOLLRDHUP : 0u) | (wants_room ? EPOLLOUT : 0u);
}

/* A stream of which nothing is wanted is not watched at all: errors would be told without end. */
void streams_rewatch(struct streams *streams, int fd) {
  struct stream *stream = &streams->table[fd];
  uint32_t wanted = wanted_events(stream);
  if (wanted == stream->watched) return;
  struct epoll_event event = {.events = wanted, .data.u64 = (uint64_t)stream->generation << 32 | (uint32_t)fd};
  epoll_ctl(streams->epoll, wanted == 0 ? EPOLL_CTL_DEL : stream->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  stream->watched = wanted;
}

void streams_watch(struct streams *streams, int fd, bool reads, bool awaits_room) {
  streams->table[fd].reads = reads;
  streams->table[fd].awaits_room = awaits_room;
  streams_rewatch(streams, fd);
}

static bool set(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof value) == 0; }

int streams_listen(struct streams *streams, const struct listen_wish *wish) {
  int family = wish->is_ipv6 ? AF_INET6 : AF_INET;
  union socket_address address;
  socklen_t length = endpoint_address(&wish->endpoint, family, &address);
  if (length == 0) return -EAFNOSUPPORT;
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  /* What is accepted inherits TCP_NODELAY. */
  bool is_ready = set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && (!wish->shares_port || set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
                  (!wish->is_ipv6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) && set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
                  bind(fd, &address.any, length) == 0 && listen(fd, wish->backlog) == 0;
  if (!is_ready) {
    int failure = -errno;
    close(fd);
    return failure;
  }
  if (add(streams, fd, LISTENING) < 0) return -ENOMEM;
  streams_rewatch(streams, fd);
  return fd;
}

int streams_connect(struct streams *streams, const struct endpoint *peer) {
  union socket_address address;
  int family = AF_INET;
  socklen_t length = endpoint_address(peer, family, &address);
  if (length == 0) length = endpoint_address(peer, family = AF_INET6, &address);
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (connect(fd, &address.any, length) != 0 && errno != EINPROGRESS) {
    int failure = -errno;
    close(fd);
    return failure;
  }
  if (add(streams, fd, CONNECTING) < 0) return -ENOMEM;
  streams_rewatch(streams, fd);
  return fd;
}

int streams_write(struct streams *streams, int fd, const uint8_t *bytes, size_t length) {
  if (streams->table[fd].pending != NULL) return 0;
  ssize_t written;
  do written = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (written < 0 && errno == EINTR);
  if (written >= 0) return (int)written;
  return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
}

int streams_shut_down(int fd) { return shutdown(fd, SHUT_WR) == 0 ? 0 : -errno; }

void streams_close(struct streams *streams, int fd, bool resets) {
  flow_forget(streams, fd);
  streams->table[fd].kind = NO_STREAM;
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  if (resets) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  /* Which ends the watching too: nobody else has the socket. */
  close(fd);
  if (--streams->open == 0) uv_unref((uv_handle_t *)&streams->poll);
}

bool streams_ask_name(struct streams *streams, int fd, bool of_peer) {
  union socket_address address;
  socklen_t length = sizeof address;
  if ((of_peer ? getpeername : getsockname)(fd, &address.any, &length) != 0) return false;
  streams->name = endpoint_of(&address);
  return true;
}

void streams_tell(struct streams *streams, enum stream_event event, int fd, int32_t value) {
  if (!streams->is_turn) streams->observer->begin(streams);
  streams->is_turn = true;
  streams->observer->tell(streams, event, fd, value);
}

static void read_some(struct streams *streams, int fd, uint32_t generation, bool is_ending) {
  for (int i = 0; i < READS_MOST && streams_is_current(streams, fd, generation); i++) {
    if (!streams->table[fd].reads || streams->table[fd].is_held) return;
    if (streams->table[fd].flow != NULL) {
      flow_read(streams, fd);
      return;
    }
    size_t room;
    uint8_t *bytes = streams->observer->room(streams, &room);
    if (room == 0) return;
    ssize_t count = recv(fd, bytes, room, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    /* At the end, or broken: there is no more to read, and the kernel would say so again and again. */
    if (count <= 0) streams->table[fd].reads = false;
    streams_tell(streams, READ, fd, count < 0 ? -errno : (int32_t)count);
    if (count <= 0 && streams_is_current(streams, fd, generation)) streams_rewatch(streams, fd);
    if (count <= 0 || ((size_t)count < room && !is_ending)) return;
  }
}

/* One a turn: who is in is served before the next is let in. What it has sent already is read at once. */
static void accept_one(struct streams *streams, int fd) {
  union socket_address address;
  socklen_t length = sizeof address;
  int accepted = accept4(fd, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0 && (errno == EAGAIN || errno == EINTR)) return;
  accepted = accepted < 0 ? -errno : add(streams, accepted, OPEN);
  if (accepted < 0) {
    streams_tell(streams, ACCEPTED, fd, accepted);
    return;
  }
  streams->name = endpoint_of(&address);
  uint32_t generation = streams->table[accepted].generation;
  streams_tell(streams, ACCEPTED, fd, accepted);
  read_some(streams, accepted, generation, false);
}

static void connected(struct streams *streams, int fd, bool has_failed) {
  int failure = 0;
  socklen_t length = sizeof failure;
  if (has_failed && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0) failure = errno;
  streams->table[fd].kind = OPEN;
  streams_tell(streams, CONNECTED, fd, -failure);
}

static void handle(struct streams *streams, int fd, uint32_t generation, uint32_t events) {
  if (streams->table[fd].kind == LISTENING) accept_one(streams, fd);
  else if (streams->table[fd].kind == CONNECTING) connected(streams, fd, (events & (EPOLLERR | EPOLLHUP)) != 0);
  else {
    if ((events & ~(uint32_t)EPOLLOUT) != 0) read_some(streams, fd, generation, (events & EPOLLRDHUP) != 0);
    if ((events & ~(uint32_t)EPOLLIN) == 0 || !streams_is_current(streams, fd, generation)) return;
    bool is_clear = streams->table[fd].pending == NULL || flow_write_on(streams, fd);
    if (is_clear && streams->table[fd].awaits_room) streams_tell(streams, ROOM, fd, 0);
  }
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  struct streams *streams = poll->data;
  struct epoll_event ready[READY_MOST];
  int count = epoll_wait(streams->epoll, ready, READY_MOST, 0);
  if (count <= 0) return;
  for (int i = 0; i < count; i++) {
    int fd = (int)(uint32_t)ready[i].data.u64;
    uint32_t generation = (uint32_t)(ready[i].data.u64 >> 32);
    if (streams_is_current(streams, fd, generation)) handle(streams, fd, generation, ready[i].events);
  }
  if (streams->is_turn) streams->observer->end(streams);
  streams->is_turn = false;
  /* Who connected was still watched for that, as mostly it is read from by now. */
  for (int i = 0; i < count; i++) {
    int fd = (int)(uint32_t)ready[i].data.u64;
    if (streams_is_current(streams, fd, (uint32_t)(ready[i].data.u64 >> 32))) streams_rewatch(streams, fd);
  }
}

static void on_closed(uv_handle_t *handle) {
  struct streams *streams = handle->data;
  streams->on_ended(streams);
}

void streams_end(struct streams *streams, void (*on_ended)(struct streams *streams)) {
  streams->on_ended = on_ended;
  for (size_t fd = 0; fd < streams->capacity; fd++)
    if (streams->table[fd].kind != NO_STREAM) streams_close(streams, (int)fd, false);
  uv_close((uv_handle_t *)&streams->poll, on_closed);
  close(streams->epoll);
}
