import type { PseudoRandom } from "@shadowfleet/testkit";
import { payloadBytes, pick } from "./addresses.ts";

/** What request smuggling is made of. */
export const HTTP_TOKENS: readonly string[] = [
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  "\n\n",
  " ",
  "\t",
  "\0",
  ":",
  "Content-Length: 5\r\n",
  "Content-Length: -1\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Connection: content-length, host\r\n",
  "Connection: close, x-hop\r\n",
  "Host: other.example\r\n",
  " HTTP/1.1",
  "http://",
  "[::1]",
  "@",
  "%00",
  "0\r\n\r\n",
  "ffffffffffffffff\r\n",
  ";ext=1",
  "HTTP/1.1 100 Continue\r\n\r\n",
];

const HOSTS = ["example.com", "example.com:8080", "[2001:db8::1]:80", "10.1.2.3", "127.1:80", "bücher.example:80", "a:b@c"];
const BASIC = [
  `Basic ${Buffer.from("anna:secret").toString("base64")}`,
  `basic ${Buffer.from("boris:").toString("base64")}`,
  `Basic ${Buffer.from("anna:wrong").toString("base64")}`,
  "Basic !",
  "Bearer x",
];
const FIELDS = [
  "Accept: */*",
  "User-Agent: fuzz",
  "Proxy-Connection: keep-alive",
  "Connection: keep-alive, x-hop",
  "X-Hop: 1",
  "Upgrade: websocket",
  "TE: trailers",
  "Cookie: a=b; c=d",
  "X-Empty:",
  "Expect: 100-continue",
];

export function requestLine(random: PseudoRandom): string {
  const version = pick(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"], random);
  const host = pick(HOSTS, random);
  if (random.below(3) === 0) return `CONNECT ${host.includes("]:") || /:\d+$/.test(host) ? host : `${host}:443`} ${version}`;
  return `${pick(["GET", "POST", "HEAD", "OPTIONS", "M-SEARCH"], random)} http://${host}${pick(["", "/", "/a?b=c", "?q"], random)} ${version}`;
}

export function headerLines(random: PseudoRandom): string[] {
  const lines = Array.from({ length: random.below(4) }, () => pick(FIELDS, random));
  if (random.below(2) === 0) lines.push(`Host: ${pick(HOSTS, random)}`);
  if (random.below(2) === 0) lines.push(`Proxy-Authorization: ${pick(BASIC, random)}`);
  return lines;
}

/** A chunked body with extensions and trailers, whole. */
export function chunkedBody(random: PseudoRandom): Buffer {
  const parts: (string | Buffer)[] = [];
  for (let left = random.below(4); left > 0; left -= 1) {
    const data = Buffer.concat([Buffer.of(0x61), payloadBytes(random).subarray(0, 300)]);
    parts.push(data.length.toString(16), pick(["", "", ";a=b", ';a="b"'], random), "\r\n", data, "\r\n");
  }
  parts.push(pick(["0", "000", "0;last"], random), "\r\n", pick(["", "", "X-Sum: 1\r\n"], random), "\r\n");
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));
}

/** A body and the fields that delimit it; often none. */
export function httpBody(random: PseudoRandom): { readonly fields: readonly string[]; readonly bytes: Buffer } {
  const kind = random.below(4);
  if (kind === 0) return { fields: ["Transfer-Encoding: chunked"], bytes: chunkedBody(random) };
  if (kind > 1) return { fields: [], bytes: Buffer.alloc(0) };
  const bytes = payloadBytes(random).subarray(0, 400);
  return { fields: [`Content-Length: ${bytes.length}`], bytes };
}
