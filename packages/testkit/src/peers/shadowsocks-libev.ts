import { missingProgramsReason } from "../find-program.ts";
import { freePort } from "../free-port.ts";
import type { LoopbackHost } from "../loopback-server.ts";
import { type RunningProgram, startProgram } from "../process.ts";

/** Why tests with shadowsocks-libev cannot run here; throws instead where `CI` is set. */
export function peerMissingReason(): string | undefined {
  return missingProgramsReason(["ss-server", "ss-local"], "shadowsocks-libev");
}

export interface PeerOptions {
  readonly method: string;
  readonly password: string;
  /** Where it listens. Default 127.0.0.1. */
  readonly host?: LoopbackHost;
  /** Default: a free one. */
  readonly port?: number;
  /** Relay UDP too (`-u`). Default false. */
  readonly udp?: boolean;
  /** Prefer IPv6 for targets given by name (`-6`). Default false. */
  readonly ipv6First?: boolean;
  /** Idle timeout, in seconds (`-t`). Default 60. */
  readonly timeoutSeconds?: number;
}

export interface LocalPeerOptions extends PeerOptions {
  /** Where its server is. */
  readonly server: { readonly host: string; readonly port: number };
}

/** A running ss-server or ss-local. `await using` stops it. */
export interface Peer extends AsyncDisposable {
  readonly host: LoopbackHost;
  readonly port: number;
  readonly program: RunningProgram;
  stop(): Promise<void>;
}

/** Starts ss-server and waits until it listens. Rejects with its output when it does not, as for a method it does not have. */
export function startSsServer(options: PeerOptions): Promise<Peer> {
  return startPeer(
    "ss-server",
    options,
    (host, port) => ["-s", host, "-p", String(port)],
    options.udp ? /udp server listening at/ : /tcp server listening at/,
  );
}

/** Starts ss-local, a SOCKS5 server on loopback, and waits until it listens. */
export function startSsLocal(options: LocalPeerOptions): Promise<Peer> {
  const { server } = options;
  const addresses = (host: LoopbackHost, port: number) => ["-s", server.host, "-p", String(server.port), "-b", host, "-l", String(port)];
  return startPeer("ss-local", options, addresses, options.udp ? /udprelay enabled/ : /listening at/);
}

async function startPeer(
  name: "ss-server" | "ss-local",
  options: PeerOptions,
  addresses: (host: LoopbackHost, port: number) => string[],
  isListening: RegExp,
): Promise<Peer> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort());
  const args = [...addresses(host, port), "-m", options.method, "-k", options.password, "-t", String(options.timeoutSeconds ?? 60), "-v"];
  if (options.udp) args.push("-u");
  if (options.ipv6First) args.push("-6");
  const program = startProgram(name, args);
  const stop = async (): Promise<void> => void (await program.stop());
  try {
    await program.waitForLine(isListening);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, port, program, stop, [Symbol.asyncDispose]: stop };
}
