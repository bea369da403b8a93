import type { DatagramSocketOptions } from "./datagram-socket.ts";

// What is below node:dgram, as handle-socket.ts is what is below node:net.

export interface UdpPeer {
  readonly address: string;
  readonly port: number;
}

/** `UDP` of udp_wrap, as far as it is used. Numbers returned are 0 or a negative errno. */
export interface UdpHandle {
  readonly fd: number;
  onmessage: (this: UdpHandle, result: number, handle: UdpHandle, datagram: Buffer | undefined, peer: UdpPeer | undefined) => void;
  onerror: (this: UdpHandle, result: number) => void;
  bind(host: string, port: number, flags: number): number;
  bind6(host: string, port: number, flags: number): number;
  connect(host: string, port: number): number;
  connect6(host: string, port: number): number;
  recvStart(): number;
  getsockname(into: { address?: string; port?: number }): number;
  bufferSize(bytes: number, receiving: boolean, context: object): number | undefined;
  close(): void;
}

export interface UdpHandleApi {
  readonly create: () => UdpHandle;
  readonly ipv6Only: number;
  readonly reusePort: number;
}

/** Undefined on a Node that has moved it. */
export const udpHandleApi: UdpHandleApi | undefined = findUdpHandleApi();

function findUdpHandleApi(): UdpHandleApi | undefined {
  try {
    const { binding } = process as unknown as { readonly binding: (name: string) => Record<string, unknown> };
    const { UDP, constants } = binding("udp_wrap") as {
      readonly UDP: new () => UdpHandle;
      readonly constants: { readonly UV_UDP_IPV6ONLY: number; readonly UV_UDP_REUSEPORT: number };
    };
    const { UV_UDP_IPV6ONLY, UV_UDP_REUSEPORT } = constants;
    if (![UV_UDP_IPV6ONLY, UV_UDP_REUSEPORT].every(Number.isInteger)) return undefined;
    const handle = UDP.prototype as Record<string, unknown>;
    for (const method of ["bind6", "connect6", "recvStart", "getsockname", "bufferSize", "close"]) {
      if (typeof handle[method] !== "function") return undefined;
    }
    return { create: () => new UDP(), ipv6Only: UV_UDP_IPV6ONLY, reusePort: UV_UDP_REUSEPORT };
  } catch {
    return undefined;
  }
}

/** A handle that is bound or connected, or a negative errno. */
export function openUdpHandle(api: UdpHandleApi, options: Omit<DatagramSocketOptions<never>, `on${string}`>): UdpHandle | number {
  const { family, host, port, connects, ipv6Only, sharesPort, receiveBufferBytes } = options;
  const handle = api.create();
  const flags = (family === 6 && ipv6Only ? api.ipv6Only : 0) | (sharesPort ? api.reusePort : 0);
  const errno = connects
    ? handle[family === 6 ? "connect6" : "connect"](host, port)
    : handle[family === 6 ? "bind6" : "bind"](host, port, flags);
  if (errno < 0) {
    handle.close();
    return errno;
  }
  // It may be refused: the kernel's default serves too, with less room for bursts.
  if (receiveBufferBytes > 0) handle.bufferSize(receiveBufferBytes, true, {});
  return handle;
}
