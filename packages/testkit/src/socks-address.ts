import { isIPv4, isIPv6, SocketAddress } from "node:net";

/** Where a SOCKS message points to. `host` is IPv4, IPv6 or a name. */
export interface SocksEndpoint {
  readonly host: string;
  readonly port: number;
}

const ATYP_IPV4 = 1;
const ATYP_NAME = 3;
const ATYP_IPV6 = 4;

/**
 * `ATYP ADDR PORT` (RFC 1928 §5), made without the fleet's own code, so that a mistake there does not hide itself. `asName` sends a literal
 * address as a name too.
 */
export function encodeSocksAddress({ host, port }: SocksEndpoint, asName = false): Buffer {
  const address = asName ? nameBytes(host) : (ipv4Bytes(host) ?? ipv6Bytes(host) ?? nameBytes(host));
  return Buffer.concat([address, Buffer.from([port >> 8, port & 0xff])]);
}

function ipv4Bytes(host: string): Buffer | undefined {
  return isIPv4(host) ? Buffer.from([ATYP_IPV4, ...host.split(".").map(Number)]) : undefined;
}

function ipv6Bytes(host: string): Buffer | undefined {
  if (!isIPv6(host)) return undefined;
  // The URL parser writes all addresses without an IPv4 tail.
  const [head = "", tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [front, back] = [groups(head), groups(tail ?? "")];
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
  return Buffer.from([ATYP_IPV6, ...all.flatMap((group) => [group >> 8, group & 0xff])]);
}

function nameBytes(host: string): Buffer {
  const name = Buffer.from(host);
  if (name.length > 255) throw new RangeError("a SOCKS name has at most 255 bytes");
  return Buffer.concat([Buffer.from([ATYP_NAME, name.length]), name]);
}

/** Reads `ATYP ADDR PORT` at `at`; throws a RangeError when it is cut short or of no known type. */
export function decodeSocksAddress(bytes: Buffer, at: number): SocksEndpoint & { readonly next: number } {
  const length = socksAddressLength(bytes, at);
  if (at + length + 2 > bytes.length) throw new RangeError("SOCKS address cut short");
  const portAt = at + length;
  return { host: hostText(bytes.subarray(at, portAt)), port: bytes.readUInt16BE(portAt), next: portAt + 2 };
}

/** Bytes of ATYP and ADDR; needs the first two bytes. */
export function socksAddressLength(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case ATYP_IPV4:
      return 1 + 4;
    case ATYP_IPV6:
      return 1 + 16;
    case ATYP_NAME:
      return 1 + 1 + bytes.readUInt8(at + 1);
    default:
      throw new RangeError(`SOCKS address type ${bytes[at]}`);
  }
}

function hostText(bytes: Buffer): string {
  if (bytes[0] === ATYP_NAME) return bytes.toString("utf8", 2);
  if (bytes[0] === ATYP_IPV4) return bytes.subarray(1).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(1 + 2 * i).toString(16));
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}
