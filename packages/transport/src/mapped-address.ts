const DOTTED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const HEXADECIMAL = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i;
const PREFIX = "::ffff:";

/** An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), in either spelling, as plain IPv4; any other address as it is. */
export function unmapIpv4(host: string): string {
  // Nearly every address fails this first look, which costs no regular expression.
  if (!host.startsWith("::") || host.length <= PREFIX.length) return host;
  const dotted = DOTTED.exec(host)?.[1];
  if (dotted !== undefined) return dotted;
  const words = HEXADECIMAL.exec(host);
  if (words === null) return host;
  const high = Number.parseInt(words[1] ?? "", 16);
  const low = Number.parseInt(words[2] ?? "", 16);
  return `${high >>> 8}.${high & 0xff}.${low >>> 8}.${low & 0xff}`;
}

/** A plain IPv4 address as an IPv6 socket that also serves IPv4 must name it; an IPv6 address as it is. */
export function mapIpv4(host: string): string {
  return host.includes(":") ? host : PREFIX + host;
}
