import type { Buffer } from "node:buffer";
import { addressLength, readAddress, type TargetAddress, writeAddress } from "./address.ts";
import { passingBuffer } from "./garbage.ts";

/** ATYP ‖ length ‖ one-byte name ‖ port. */
export const SHORTEST_ADDRESS = 1 + 1 + 1 + 2;

/** An address and the payload behind it. */
export interface AddressedPayload {
  readonly address: TargetAddress;
  /** Part of the buffer it was read from; may be empty. */
  readonly payload: Buffer;
}

/** ATYP ADDR PORT ‖ payload: the plaintext that begins SIP004 and legacy streams, and the whole of their packets. */
export function composeAddressed(address: TargetAddress, payload: Buffer): Buffer {
  const plaintext = passingBuffer(addressLength(address) + payload.length);
  payload.copy(plaintext, writeAddress(address, plaintext, 0));
  return plaintext;
}

/** The reverse of `composeAddressed`; undefined when the address is malformed or cut off. */
export function readAddressed(plaintext: Buffer): AddressedPayload | undefined {
  const read = readAddress(plaintext, 0, plaintext.length);
  return read.ok ? { address: read.target, payload: plaintext.subarray(read.next) } : undefined;
}
