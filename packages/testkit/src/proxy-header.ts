/** The two ends that a PROXY protocol header names; literal addresses of one family. */
export interface ProxiedEnds {
  readonly source: { readonly host: string; readonly port: number };
  readonly destination?: { readonly host: string; readonly port: number };
}

export interface BinaryHeaderOptions {
  /** Default PROXY. */
  readonly command?: "LOCAL" | "PROXY";
  /** Behind the addresses, as type and value. */
  readonly tlvs?: readonly (readonly [type: number, value: Buffer])[];
  /** Add a checksum TLV; "wrong" one bit off. Default none. */
  readonly checksum?: "right" | "wrong";
}

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const CRC32C_TYPE = 3;

/** Version 1, the way HAProxy writes it. */
export function textProxyHeader({ source, destination = sameFamily(source.host) }: ProxiedEnds): Buffer {
  const family = source.host.includes(":") ? "TCP6" : "TCP4";
  return Buffer.from(`PROXY ${family} ${source.host} ${destination.host} ${source.port} ${destination.port}\r\n`, "latin1");
}

/** Version 2. Without ends: family UNSPEC. */
export function binaryProxyHeader(ends: ProxiedEnds | undefined, options: BinaryHeaderOptions = {}): Buffer {
  const { command = "PROXY", tlvs = [], checksum } = options;
  const all = checksum ? [...tlvs, [CRC32C_TYPE, Buffer.alloc(4)] as const] : tlvs;
  const family = ends === undefined ? 0x00 : ends.source.host.includes(":") ? 0x21 : 0x11;
  const rest = Buffer.concat([ends ? addressBlock(ends) : Buffer.alloc(0), ...all.map(([type, value]) => tlv(type, value))]);
  const fixed = Buffer.from([command === "LOCAL" ? 0x20 : 0x21, family, rest.length >> 8, rest.length & 0xff]);
  const header = Buffer.concat([SIGNATURE, fixed, rest]);
  // The checksum stands last and is taken over the header with zeros in its place.
  if (checksum) header.writeUInt32BE((slowCrc32c(header) ^ (checksum === "right" ? 0 : 1)) >>> 0, header.length - 4);
  return header;
}

function sameFamily(host: string): { readonly host: string; readonly port: number } {
  return { host: host.includes(":") ? "2001:db8::ffff" : "192.0.2.255", port: 443 };
}

function addressBlock({ source, destination = sameFamily(source.host) }: ProxiedEnds): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  return Buffer.concat([addressBytes(source.host), addressBytes(destination.host), ports]);
}

function addressBytes(host: string): Buffer {
  if (!host.includes(":")) return Buffer.from(host.split(".").map(Number));
  const [head = "", tail = ""] = host.split("::");
  const before = head === "" ? [] : head.split(":");
  const behind = tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - before.length - behind.length }, () => "0");
  return Buffer.from([...before, ...zeros, ...behind].map((group) => group.padStart(4, "0")).join(""), "hex");
}

function tlv(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

function slowCrc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
