/** Groups of 16 bits in an IPv6 address. */
export const IPV6_GROUPS = 8;
/** What `parseIpv4` returns for text that is no IPv4 literal. */
export const NOT_IPV4 = -1;

const IPV4_MAX_TEXT = "255.255.255.255".length;
const IPV6_MAX_TEXT = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".length;
const IPV4_TAIL_GROUPS = 2;

const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * The value of the dotted decimal literal text[start, …) as an unsigned 32-bit number, or NOT_IPV4. Only the one exact form counts: four
 * decimal octets without leading zeros. The short, octal and hexadecimal forms of `inet_aton` are no literals here.
 */
export function parseIpv4(text: string, start = 0): number {
  if (text.length - start > IPV4_MAX_TEXT) return NOT_IPV4;
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= ZERO && code <= NINE) {
      if (octet === 0) return NOT_IPV4;
      octet = (octet < 0 ? 0 : octet * 10) + code - ZERO;
      if (octet > 255) return NOT_IPV4;
    } else {
      if (code !== DOT || octet < 0 || ++dots > 3) return NOT_IPV4;
      value = value * 256 + octet;
      octet = -1;
    }
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : NOT_IPV4;
}

/** Texts remembered: whoever looks them up in a map finds their hash made. Two that fall into one place displace each other. */
const REMEMBERED_BITS = 10;
const values = new Int32Array(1 << REMEMBERED_BITS);
const texts: string[] = new Array(1 << REMEMBERED_BITS).fill("0.0.0.0");

/** Dotted decimal text of a 32-bit number. */
export function formatIpv4(value: number): string {
  const place = Math.imul(value, 0x9e3779b1) >>> (32 - REMEMBERED_BITS);
  if (values[place] !== (value | 0)) {
    values[place] = value;
    texts[place] = `${value >>> 24}.${(value >>> 16) & 0xff}.${(value >>> 8) & 0xff}.${value & 0xff}`;
  }
  return texts[place]!;
}

/**
 * Reads an IPv6 literal (RFC 4291 §2.2: full, `::`, IPv4 tail; either case; no brackets) into `groups`, which has IPV6_GROUPS elements.
 * False, with `groups` in an undefined state, for anything else. A zone (`%eth0`) names an interface of one machine and is refused.
 */
export function parseIpv6(text: string, groups: Uint16Array): boolean {
  const end = text.length;
  if (end > IPV6_MAX_TEXT) return false;
  let count = 0;
  let gap = -1;
  let i = 0;
  if (text.startsWith("::")) {
    gap = 0;
    i = 2;
  }
  while (i < end) {
    const next = groupEnd(text, i);
    if (text.charCodeAt(next) === DOT) {
      if (count > IPV6_GROUPS - IPV4_TAIL_GROUPS) return false;
      const tail = parseIpv4(text, i);
      if (tail === NOT_IPV4) return false;
      groups[count++] = tail >>> 16;
      groups[count++] = tail & 0xffff;
      break;
    }
    if (next === i || next - i > 4 || count === IPV6_GROUPS) return false;
    groups[count++] = Number.parseInt(text.slice(i, next), 16);
    if (next === end) break;
    i = next + 1;
    if (text.charCodeAt(next) !== COLON || i === end) return false;
    if (text.charCodeAt(i) === COLON) {
      if (gap >= 0) return false;
      gap = count;
      i++;
    }
  }
  return gap < 0 ? count === IPV6_GROUPS : spread(groups, gap, count);
}

/** Moves what follows the `::` at `gap` to the end and fills the gap, which stands for at least one group, with zeros. */
function spread(groups: Uint16Array, gap: number, count: number): boolean {
  if (count === IPV6_GROUPS) return false;
  const after = IPV6_GROUPS - (count - gap);
  groups.copyWithin(after, gap, count);
  groups.fill(0, gap, after);
  return true;
}

function groupEnd(text: string, start: number): number {
  let i = start;
  while (i < text.length && isHexDigit(text.charCodeAt(i))) i++;
  return i;
}

function isHexDigit(code: number): boolean {
  const lower = code | 0x20;
  return (code >= ZERO && code <= NINE) || (lower >= 0x61 && lower <= 0x66);
}

/** The one text of an address by RFC 5952: lower case, longest zero run compressed, `::ffff:0:0/96` with its IPv4 tail. */
export function formatIpv6(groups: Uint16Array): string {
  if (isIpv4Mapped(groups)) return `::ffff:${formatIpv4(((groups[6]! << 16) | groups[7]!) >>> 0)}`;
  const run = longestZeroRun(groups);
  let text = "";
  for (let i = 0; i < IPV6_GROUPS; i++) {
    if (i === run.start) {
      text += "::";
      i += run.length - 1;
    } else {
      if (i > 0 && i !== run.start + run.length) text += ":";
      text += groups[i]!.toString(16);
    }
  }
  return text;
}

function isIpv4Mapped(groups: Uint16Array): boolean {
  return groups[5] === 0xffff && (groups[0]! | groups[1]! | groups[2]! | groups[3]! | groups[4]!) === 0;
}

/** RFC 5952 §4.2: the longest run of at least two zero groups, the first of equals; a start of -8 where there is none. */
function longestZeroRun(groups: Uint16Array): { start: number; length: number } {
  const best = { start: -IPV6_GROUPS, length: 1 };
  let length = 0;
  for (let i = 0; i < IPV6_GROUPS; i++) {
    length = groups[i] === 0 ? length + 1 : 0;
    if (length > best.length) {
      best.length = length;
      best.start = i - length + 1;
    }
  }
  return best;
}
