// What generator and target agree on.
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>

enum {
  MESSAGE = 1024,        // a request or an answer of the echo modes
  MAX_DATAGRAM = 2048,
  DATAGRAM_BATCH = 32,
  ACK_EVERY = 16,        // one-way datagrams per acknowledgement
  PORT_BUFFER = 4 << 20, // asked of the kernel for UDP sockets
};

// The first byte of a TCP connection says what the target does with it.
enum {
  WANT_DOWN = 'D',       // sends without end
  WANT_UP = 'U',         // discards without end
  WANT_ECHO = 'E',       // sends everything back, this byte too
};

// The first byte of a datagram's payload.
enum {
  DATAGRAM_ECHO = 'e',
  DATAGRAM_ONE_WAY = 'o',
  DATAGRAM_CONTROL = 'c',  // answered with target_counts; one-way acknowledgements go to its sender from now on
};

// Byte 0 is one of the above, then comes a number, in the machine's own order: both ends are this machine.
enum { NUMBER_AT = 1, NUMBER_END = NUMBER_AT + sizeof(uint64_t) };

// Since the target started. Acknowledgements carry it too.
struct target_counts {
  uint64_t stream_bytes;   // discarded
  uint64_t datagrams;      // one-way
};

#endif
