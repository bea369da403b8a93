import net, { isIP } from "node:net";
import { FleetError } from "@shadowfleet/runtime";
import { NativeServer } from "./native-server.ts";
import { SERVER_OPTIONS } from "./shared-read.ts";
import { streamTurns } from "./stream-turns.ts";
import { systemCode } from "./system-code.ts";

/** Longest accept queue asked for; the kernel caps it at net.core.somaxconn. */
const BACKLOG = 4096;
const ANY_IPV6 = "::";
const ANY_IPV4 = "0.0.0.0";
/** What binding "::" says where IPv6 is compiled out, disabled at boot or without an address. */
const NO_IPV6_ERRORS = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL", "EPROTONOSUPPORT"]);

const BIND_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is already in use",
  EACCES: "not permitted (ports below 1024 need CAP_NET_BIND_SERVICE)",
  EADDRNOTAVAIL: "this machine does not have that address",
  ENOTFOUND: "the host name does not resolve",
  EMFILE: "the process has no file descriptors left",
  ENFILE: "the system has no file descriptors left",
};

/** A `net.Server`, or a native one, as far as it is used. */
export interface ListeningServer {
  address(): { readonly address: string; readonly port: number } | string | null;
  /** Frees the port before it returns. */
  close(): unknown;
}

/** Binds and listens; rejects with the system's error. A host that is no literal address is Node's affair. */
export type OpenServer = (host: string, port: number) => Promise<ListeningServer>;

export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

export const openServer: OpenServer = (host, port) => listen({ host, port });

/** The same on the addon, where that can be had. */
export function openNativeServer(sharesPort: boolean): OpenServer {
  return async (host, port) => {
    const turns = isIP(host) === 0 ? undefined : streamTurns();
    return turns ? new NativeServer(turns, host, port, sharesPort, BACKLOG) : await listen({ host, port, reusePort: sharesPort });
  };
}

/** Beside other sockets that share the port as well (SO_REUSEPORT): the kernel spreads new connections over them. */
export const openSharedServer: OpenServer = (host, port) => listen({ host, port, reusePort: true });

function listen(address: net.ListenOptions): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer(SERVER_OPTIONS);
    server.once("error", reject);
    server.listen({ ...address, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

/** As `open`, but "::" (which takes IPv4 too) falls back to "0.0.0.0" on a machine without IPv6. */
export async function openDualStack(open: OpenServer, host: string, port: number): Promise<ListeningServer> {
  try {
    return await open(host, port);
  } catch (error) {
    if (host !== ANY_IPV6 || !NO_IPV6_ERRORS.has(systemCode(error))) throw error;
    return await open(ANY_IPV4, port);
  }
}

export function boundAddress(server: ListeningServer): BoundAddress {
  const { address, port } = server.address() as net.AddressInfo;
  return { host: address, port };
}

export function bindError(host: string, port: number, cause: unknown): FleetError {
  const code = systemCode(cause);
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const reason = BIND_REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new FleetError("BIND_FAILED", `cannot listen on ${where}: ${reason}${code === "" ? "" : ` (${code})`}`, { cause });
}
