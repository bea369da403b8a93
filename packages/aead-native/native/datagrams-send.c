#include <errno.h>
#include <sys/socket.h>

#include "datagrams.h"

/* Not a status: the datagram has not been looked at. */
#define UNSETTLED 1

/* Messages for one socket, in the order they are to be sent, and the departures they come from. */
struct batch {
  struct mmsghdr messages[SENT_MOST];
  struct iovec parts[SENT_MOST];
  union socket_address targets[SENT_MOST];
  struct departure *departures[SENT_MOST];
  unsigned count;
};

static void add(struct batch *batch, struct datagrams *datagrams, const struct udp_socket *socket, struct departure *departure) {
  unsigned i = batch->count;
  union socket_address *target = &batch->targets[i];
  socklen_t length = departure->to.port == 0 ? 0 : endpoint_address(&departure->to, socket->family, target);
  if (departure->to.port != 0 && length == 0) {
    departure->status = -EAFNOSUPPORT;
    return;
  }
  batch->parts[i] = (struct iovec){datagrams->sent + departure->offset, (size_t)departure->length};
  batch->messages[i].msg_hdr =
      (struct msghdr){.msg_name = length == 0 ? NULL : target, .msg_namelen = length, .msg_iov = &batch->parts[i], .msg_iovlen = 1};
  batch->departures[i] = departure;
  batch->count += 1;
}

/* A datagram that fails costs itself only; when there is no room, there is none for those behind it either. */
static void send_batch(const struct batch *batch, int fd) {
  unsigned at = 0;
  while (at < batch->count) {
    struct mmsghdr *rest = (struct mmsghdr *)batch->messages + at;
    int taken = sendmmsg(fd, rest, batch->count - at, MSG_DONTWAIT | MSG_NOSIGNAL);
    int failure = taken < 0 ? errno : 0;
    if (failure == EINTR) continue;
    for (; taken > 0; taken--) batch->departures[at++]->status = 0;
    if (failure == 0) continue;
    unsigned failed = failure == EAGAIN ? batch->count - at : 1;
    for (; failed > 0; failed--) batch->departures[at++]->status = -failure;
  }
}

size_t datagrams_send(struct datagrams *datagrams, size_t count) {
  struct departure *departures = datagrams->departures;
  struct batch batch;
  for (size_t i = 0; i < count; i++) departures[i].status = UNSETTLED;
  for (size_t first = 0; first < count; first++) {
    if (departures[first].status != UNSETTLED) continue;
    int32_t number = departures[first].socket;
    struct udp_socket *socket = number < 0 ? NULL : datagrams_socket(datagrams, (size_t)number);
    batch.count = 0;
    for (size_t i = first; i < count; i++) {
      if (departures[i].status != UNSETTLED || departures[i].socket != number) continue;
      departures[i].status = -EBADF;
      if (socket != NULL) add(&batch, datagrams, socket, &departures[i]);
    }
    if (socket != NULL) send_batch(&batch, socket->fd);
  }
  size_t failed = 0;
  for (size_t i = 0; i < count; i++) failed += departures[i].status != 0;
  return failed;
}
