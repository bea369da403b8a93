import { type Address, findFfi } from "@shadowfleet/wire";

/** Integers are passed as if they were addresses, for the reason that openssl-calls.ts of packages/wire gives. */
interface LibcFunctions {
  recvmmsg(descriptor: Address, messages: Address, count: Address, flags: Address, timeout: Address): number;
  sendmmsg(descriptor: Address, messages: Address, count: Address, flags: Address): number;
  __errno_location(): Address;
}

const VECTOR = ["pointer", "pointer", "pointer", "pointer"];
const SIGNATURES = {
  recvmmsg: { arguments: [...VECTOR, "pointer"], return: "int32" },
  sendmmsg: { arguments: VECTOR, return: "int32" },
  __errno_location: { arguments: [], return: "pointer" },
};

const DONT_WAIT: Address = 0x40n;
const DONT_WAIT_NO_SIGNAL: Address = 0x4040n;
const NULL: Address = 0n;
const NO_DESCRIPTOR = 0x7fffffff;
const EBADF = -9;

/** recvmmsg(2) and sendmmsg(2) of Linux. Both return how many messages went, or a negative errno. */
export interface SocketCalls {
  addressOf(bytes: Uint8Array): Address;
  /** `messages`: a vector of so many `struct mmsghdr`, all of which must point at memory that lives. */
  receive(descriptor: number, messages: Address, count: number): number;
  send(descriptor: number, messages: Address, count: number): number;
}

/** Of this thread. Undefined where they, or `node:ffi`, are missing. */
export function findSocketCalls(): SocketCalls | undefined {
  const ffi = process.platform === "linux" ? findFfi() : undefined;
  if (ffi === undefined) return undefined;
  try {
    const { recvmmsg, sendmmsg, __errno_location } = ffi.dlopen<LibcFunctions>(null, SIGNATURES).functions;
    const errnoAt = __errno_location();
    const outcome = (result: number): number => (result < 0 ? -ffi.getInt32(errnoAt) : result);
    const calls: SocketCalls = {
      addressOf: ffi.getRawPointer,
      receive: (descriptor, messages, count) => outcome(recvmmsg(BigInt(descriptor), messages, BigInt(count), DONT_WAIT, NULL)),
      send: (descriptor, messages, count) => outcome(sendmmsg(BigInt(descriptor), messages, BigInt(count), DONT_WAIT_NO_SIGNAL)),
    };
    return calls.receive(NO_DESCRIPTOR, NULL, 0) === EBADF && calls.send(NO_DESCRIPTOR, NULL, 0) === EBADF ? calls : undefined;
  } catch {
    return undefined;
  }
}
