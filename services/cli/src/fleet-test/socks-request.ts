import type { HostPort } from "@shadowfleet/runtime";
import { ATYP_DOMAIN, ATYP_IPV4, addressFrom, addressLength, readAddress, type TargetAddress, writeAddress } from "@shadowfleet/wire";
import type { ByteConnection } from "./byte-connection.ts";

/** A name and password that the gateway asks for. */
export interface Login {
  readonly name: string;
  readonly password: string;
}

/** The gateway answered, and it was no. */
export class SocksRefusedError extends Error {
  /** RFC 1928 §6; undefined: not the request was refused but the login. */
  readonly reply: number | undefined;

  constructor(reply: number | undefined, message: string) {
    super(message);
    this.name = "SocksRefusedError";
    this.reply = reply;
  }
}

export const CONNECT = 1;
export const UDP_ASSOCIATE = 3;
export type SocksCommand = typeof CONNECT | typeof UDP_ASSOCIATE;

const VERSION = 5;
const LOGIN_VERSION = 1;
const NO_LOGIN = 0;
const WITH_LOGIN = 2;
const NO_ACCEPTABLE_METHOD = 0xff;
/** VER, REP, RSV. */
const HEAD_LENGTH = 3;
/** In front of the address of every datagram: RSV and FRAG. */
const DATAGRAM_HEAD_LENGTH = 3;

const REPLIES = [
  "succeeded",
  "general failure: there is no relay, or none that could be used",
  "not allowed",
  "the network of the relay is unreachable",
  "the relay's host is unreachable or its name does not resolve",
  "the relay refused the connection",
  "the relay did not answer in time",
  "the command is not supported",
  "the address type is not supported",
];

/** One request of SOCKS5 (RFC 1928, RFC 1929); the address that the proxy bound for it. Rejects with SocksRefusedError. */
export async function socksRequest(
  connection: ByteConnection,
  command: SocksCommand,
  { host, port }: HostPort,
  login: Login | undefined,
): Promise<TargetAddress> {
  await greet(connection, login);
  connection.write(withAddress(Buffer.of(VERSION, command, 0), { host, port }));
  const [version, reply = 0] = await connection.read(HEAD_LENGTH);
  expectVersion(version);
  const bound = await readBound(connection);
  if (reply !== 0) throw new SocksRefusedError(reply, `SOCKS reply ${reply}, ${REPLIES[reply] ?? "an unknown one"}`);
  return bound;
}

async function greet(connection: ByteConnection, login: Login | undefined): Promise<void> {
  const wanted = login === undefined ? NO_LOGIN : WITH_LOGIN;
  connection.write(Buffer.of(VERSION, 1, wanted));
  const [version, method] = await connection.read(2);
  expectVersion(version);
  if (method === NO_ACCEPTABLE_METHOD) {
    throw new SocksRefusedError(
      undefined,
      login === undefined ? "it asks for a name and password" : "it does not take names and passwords",
    );
  }
  if (login === undefined) return;
  const [name, password] = [Buffer.from(login.name), Buffer.from(login.password)];
  connection.write(Buffer.concat([Buffer.of(LOGIN_VERSION, name.length), name, Buffer.of(password.length), password]));
  const [, status] = await connection.read(2);
  if (status !== 0) throw new SocksRefusedError(undefined, "name or password is wrong");
}

function expectVersion(version: number | undefined): void {
  if (version !== VERSION) throw new SocksRefusedError(undefined, "what answers is no SOCKS5 proxy");
}

async function readBound(connection: ByteConnection): Promise<TargetAddress> {
  // The address type and one byte more tell how long it is.
  const start = await connection.read(2);
  const restLength = start[0] === ATYP_DOMAIN ? start[1]! + 2 : start[0] === ATYP_IPV4 ? 5 : 17;
  const bytes = Buffer.concat([start, await connection.read(restLength)]);
  const address = readAddress(bytes, 0, bytes.length);
  if (!address.ok) throw new SocksRefusedError(undefined, "what answers is no SOCKS5 proxy");
  return address.target;
}

/** A datagram as it goes to the proxy (RFC 1928 §7). */
export function wrapDatagram(target: HostPort, payload: Buffer): Buffer {
  return Buffer.concat([withAddress(Buffer.alloc(DATAGRAM_HEAD_LENGTH), target), payload]);
}

/** The payload of a datagram from the proxy; undefined when it is none. */
export function unwrapDatagram(datagram: Buffer): Buffer | undefined {
  const address = readAddress(datagram, DATAGRAM_HEAD_LENGTH, datagram.length);
  return address.ok ? datagram.subarray(address.next) : undefined;
}

function withAddress(head: Buffer, { host, port }: HostPort): Buffer {
  const target = addressFrom(host, port);
  if (!target) throw new RangeError("not a host name or IP address");
  const bytes = Buffer.alloc(head.length + addressLength(target));
  head.copy(bytes);
  writeAddress(target, bytes, head.length);
  return bytes;
}
