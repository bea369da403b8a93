import { type Address, findFfi } from "@shadowfleet/wire";

interface LibcFunctions {
  recvmmsg(descriptor: number, messages: Address, count: number, flags: number, timeout: Address): number;
  sendmmsg(descriptor: number, messages: Address, count: number, flags: number): number;
  __errno_location(): Address;
}

const VECTOR = ["int32", "pointer", "uint32", "int32"];
const SIGNATURES = {
  recvmmsg: { arguments: [...VECTOR, "pointer"], return: "int32" },
  sendmmsg: { arguments: VECTOR, return: "int32" },
  __errno_location: { arguments: [], return: "pointer" },
};

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const NULL: Address = 0n;
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
      receive: (descriptor, messages, count) => outcome(recvmmsg(descriptor, messages, count, MSG_DONTWAIT, NULL)),
      send: (descriptor, messages, count) => outcome(sendmmsg(descriptor, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL)),
    };
    return calls.receive(-1, NULL, 0) === EBADF && calls.send(-1, NULL, 0) === EBADF ? calls : undefined;
  } catch {
    return undefined;
  }
}
