import type { SocketCalls } from "./socket-calls.ts";

// The layout of Linux on 64-bit little-endian machines, in words of four bytes.

/** `struct mmsghdr`: a pointer to the name, its length; a pointer to the parts, their number; control, its length; flags; the message's length. */
const MESSAGE_WORDS = 16;
const NAME_LENGTH_AT = 2;
const PARTS_AT = 4;
const PART_COUNT_AT = 6;
const LENGTH_AT = 14;
/** `struct iovec`: a pointer, a length. */
const PART_WORDS = 4;
/** Room for a `struct sockaddr_in6`: family and port, flow, address, scope. */
const NAME_WORDS = 8;

const IPV4_NAME_BYTES = 16;
const IPV6_NAME_BYTES = 28;
const AF_INET = 2;
const AF_INET6 = 10;
/** ::ffff:0:0, the third word of an IPv4 address as the IPv6 address that stands for it. */
export const MAPPED = 0xffff0000 | 0;

const WORD_BYTES = 4;
const WORD = 2 ** 32;

/** A vector of messages of one part each, with their peers' addresses, as the kernel reads and writes it. */
export class MessageVector {
  readonly #address: bigint;
  readonly #words: Int32Array;
  readonly #parts: number;
  readonly #names: number;

  constructor(addressOf: SocketCalls["addressOf"], count: number) {
    this.#parts = count * MESSAGE_WORDS;
    this.#names = this.#parts + count * PART_WORDS;
    const words = new Int32Array(this.#names + count * NAME_WORDS);
    this.#words = words;
    this.#address = addressOf(new Uint8Array(words.buffer));
    const base = Number(this.#address);
    for (let i = 0; i < count; i++) {
      const at = i * MESSAGE_WORDS;
      this.#point(at, base + (this.#names + i * NAME_WORDS) * WORD_BYTES);
      this.#point(at + PARTS_AT, base + (this.#parts + i * PART_WORDS) * WORD_BYTES);
      words[at + PART_COUNT_AT] = 1;
    }
  }

  /** Where the message of this index is, for a vector of the rest. */
  addressFrom(index: number): bigint {
    return index === 0 ? this.#address : this.#address + BigInt(index * MESSAGE_WORDS * WORD_BYTES);
  }

  /** The bytes of a message: `length` from an address on. */
  setPart(index: number, address: number, length: number): void {
    const at = this.#parts + index * PART_WORDS;
    this.#point(at, address);
    this.#words[at + 2] = length;
  }

  /** Room for the name of whoever sent it. */
  expectName(index: number): void {
    this.#setNameLength(index, IPV6_NAME_BYTES);
  }

  /** To the peer of a connected socket. */
  setNoName(index: number): void {
    this.#setNameLength(index, 0);
  }

  /** To an endpoint: port, scope, four words of the address. False when a socket of this family cannot send there. */
  setName(index: number, isIpv6: boolean, endpoint: Int32Array, at: number): boolean {
    const words = this.#words;
    const name = this.#names + index * NAME_WORDS;
    words[name] = (isIpv6 ? AF_INET6 : AF_INET) | (swap16(endpoint[at] as number) << 16);
    if (isIpv6) {
      words[name + 1] = 0;
      for (let i = 0; i < 4; i++) words[name + 2 + i] = endpoint[at + 2 + i] as number;
      words[name + 6] = endpoint[at + 1] as number;
      this.#setNameLength(index, IPV6_NAME_BYTES);
      return true;
    }
    if (endpoint[at + 4] !== MAPPED || endpoint[at + 3] !== 0 || endpoint[at + 2] !== 0) return false;
    words[name + 1] = endpoint[at + 5] as number;
    words[name + 2] = 0;
    words[name + 3] = 0;
    this.#setNameLength(index, IPV4_NAME_BYTES);
    return true;
  }

  /** Writes the endpoint a message came from. */
  readName(index: number, endpoint: Int32Array, at: number): void {
    const words = this.#words;
    const name = this.#names + index * NAME_WORDS;
    const familyAndPort = words[name] as number;
    const isIpv6 = (familyAndPort & 0xffff) === AF_INET6;
    endpoint[at] = swap16(familyAndPort >>> 16);
    endpoint[at + 1] = isIpv6 ? (words[name + 6] as number) : 0;
    endpoint[at + 2] = isIpv6 ? (words[name + 2] as number) : 0;
    endpoint[at + 3] = isIpv6 ? (words[name + 3] as number) : 0;
    endpoint[at + 4] = isIpv6 ? (words[name + 4] as number) : MAPPED;
    endpoint[at + 5] = words[name + (isIpv6 ? 5 : 1)] as number;
  }

  /** How long a received message is. */
  lengthOf(index: number): number {
    return this.#words[index * MESSAGE_WORDS + LENGTH_AT] as number;
  }

  #setNameLength(index: number, length: number): void {
    this.#words[index * MESSAGE_WORDS + NAME_LENGTH_AT] = length;
  }

  #point(at: number, address: number): void {
    this.#words[at] = (address % WORD) | 0;
    this.#words[at + 1] = (address / WORD) | 0;
  }
}

const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
