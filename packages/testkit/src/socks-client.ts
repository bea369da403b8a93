import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { withDeadline } from "./deadline.ts";
import { readExactly, readThrough } from "./socket-reader.ts";
import { decodeSocksAddress, encodeSocksAddress, type SocksEndpoint, socksAddressLength } from "./socks-address.ts";

export interface ProxyRequest {
  /** The proxy to talk to. */
  readonly proxy: { readonly host: string; readonly port: number };
  readonly target: SocksEndpoint;
  readonly login?: { readonly user: string; readonly password: string };
  /** Payload sent in the same write as the request, before its answer. */
  readonly early?: Buffer;
  /** For every single wait. Default 5,000. */
  readonly deadlineMs?: number;
}

/** What the proxy answered. The socket is the caller's, whatever the answer; unread payload is still in it. */
export interface ProxyAnswer {
  readonly ok: boolean;
  /** SOCKS5 REP or SOCKS4 CD; the HTTP status for CONNECT. */
  readonly reply: number;
  readonly socket: Socket;
}

export interface Socks5Answer extends ProxyAnswer {
  /** Method the proxy chose: 0 none, 2 user and password, 255 no acceptable one (`reply` is 255 then too). */
  readonly method: number;
  /** RFC 1929 status; undefined when no login was asked for. Not 0 is a refusal, and `reply` the same number. */
  readonly loginStatus: number | undefined;
  /** BND.ADDR and BND.PORT, where the answer came that far. */
  readonly bound: SocksEndpoint | undefined;
}

export const SOCKS5_CONNECT = 1;
export const SOCKS5_BIND = 2;
export const SOCKS5_UDP_ASSOCIATE = 3;

const NO_ACCEPTABLE_METHOD = 0xff;
const LOGIN_METHOD = 2;
const DEADLINE_MS = 5_000;

/** Connects to host:port. The socket allows half-open and does not throw on errors: readers see them. */
export async function openSocket(address: SocksEndpoint, deadlineMs = DEADLINE_MS): Promise<Socket> {
  const socket = connect({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true });
  try {
    await withDeadline(once(socket, "connect"), deadlineMs, `a connection to port ${address.port}`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.on("error", () => {});
  return socket;
}

/** Asks over a new connection to the proxy; the connection does not outlive an answer that could not be had. */
async function ask<T>(request: ProxyRequest, exchange: (socket: Socket, deadlineMs: number) => Promise<T>): Promise<T> {
  const deadlineMs = request.deadlineMs ?? DEADLINE_MS;
  const socket = await openSocket(request.proxy, deadlineMs);
  try {
    return await exchange(socket, deadlineMs);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

export interface Socks5Request extends ProxyRequest {
  /** Default SOCKS5_CONNECT. */
  readonly command?: number;
  /** Send a literal address as a name (ATYP 3). Default false. */
  readonly asName?: boolean;
}

/** SOCKS5 (RFC 1928, RFC 1929), one request. Offers login only when there is one. */
export function socks5Request(request: Socks5Request): Promise<Socks5Answer> {
  return ask(request, (socket, deadlineMs) => socks5Exchange(request, socket, deadlineMs));
}

async function socks5Exchange(request: Socks5Request, socket: Socket, deadlineMs: number): Promise<Socks5Answer> {
  const read = (length: number, what: string) => readExactly(socket, length, deadlineMs, `the SOCKS5 ${what}`);
  const methods = request.login ? [0, LOGIN_METHOD] : [0];
  socket.write(Buffer.from([5, methods.length, ...methods]));
  const [version, method = NO_ACCEPTABLE_METHOD] = await read(2, "method");
  if (version !== 5) throw new Error(`SOCKS version ${version} in the method answer`);
  let loginStatus: number | undefined;
  if (method === LOGIN_METHOD && request.login) {
    socket.write(encodeLogin(request.login));
    loginStatus = (await read(2, "login status"))[1];
  }
  const refusal = method === NO_ACCEPTABLE_METHOD ? method : loginStatus;
  if (refusal) return { ok: false, reply: refusal, method, loginStatus, bound: undefined, socket };
  const head = Buffer.from([5, request.command ?? SOCKS5_CONNECT, 0]);
  socket.write(Buffer.concat([head, encodeSocksAddress(request.target, request.asName), request.early ?? Buffer.alloc(0)]));
  const answer = await read(5, "answer");
  const rest = socksAddressLength(answer, 3) + 3 + 2 - answer.length;
  const bound = decodeSocksAddress(Buffer.concat([answer, await read(rest, "bound address")]), 3);
  return { ok: answer[1] === 0, reply: answer[1]!, method, loginStatus, bound: { host: bound.host, port: bound.port }, socket };
}

function encodeLogin({ user, password }: { readonly user: string; readonly password: string }): Buffer {
  const [userBytes, passwordBytes] = [Buffer.from(user), Buffer.from(password)];
  return Buffer.concat([Buffer.from([1, userBytes.length]), userBytes, Buffer.from([passwordBytes.length]), passwordBytes]);
}

/** SOCKS4a CONNECT; an IPv4 target goes as plain SOCKS4. `login.user` is the user id. Granted is 90. */
export function socks4Connect(request: ProxyRequest): Promise<ProxyAnswer> {
  return ask(request, (socket, deadlineMs) => socks4Exchange(request, socket, deadlineMs));
}

async function socks4Exchange(request: ProxyRequest, socket: Socket, deadlineMs: number): Promise<ProxyAnswer> {
  const { host, port } = request.target;
  const isIpv4 = /^[0-9.]+$/.test(host);
  const address = isIpv4 ? host.split(".").map(Number) : [0, 0, 0, 1];
  const head = Buffer.from([4, 1, port >> 8, port & 0xff, ...address]);
  const user = Buffer.from(`${request.login?.user ?? ""}\0`);
  socket.write(Buffer.concat([head, user, Buffer.from(isIpv4 ? "" : `${host}\0`), request.early ?? Buffer.alloc(0)]));
  const answer = await readExactly(socket, 8, deadlineMs, "the SOCKS4 answer");
  return { ok: answer[1] === 90, reply: answer[1]!, socket };
}

export interface HttpConnectAnswer extends ProxyAnswer {
  /** Status line and headers as they came. */
  readonly head: string;
}

/** HTTP CONNECT (RFC 9110 §9.3.6), with Basic authorization when there is a login. */
export function httpConnect(request: ProxyRequest): Promise<HttpConnectAnswer> {
  return ask(request, (socket, deadlineMs) => httpExchange(request, socket, deadlineMs));
}

async function httpExchange(request: ProxyRequest, socket: Socket, deadlineMs: number): Promise<HttpConnectAnswer> {
  const { host, port } = request.target;
  const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const { user, password } = request.login ?? {};
  const login = request.login ? `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString("base64")}\r\n` : "";
  const text = Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  socket.write(Buffer.concat([text, request.early ?? Buffer.alloc(0)]));
  const head = (await readThrough(socket, "\r\n\r\n", deadlineMs, "the HTTP answer")).toString("latin1");
  const status = Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(head)?.[1]);
  if (Number.isNaN(status)) throw new Error("the answer is not HTTP/1");
  return { ok: status >= 200 && status < 300, reply: status, head, socket };
}
