import { eventually } from "../deadline.ts";
import { missingProgramsReason } from "../find-program.ts";
import { freePort } from "../free-port.ts";
import type { LoopbackHost } from "../loopback-server.ts";
import { probe } from "../prober.ts";
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
  /** A SIP003 plugin (`--plugin`, `--plugin-opts`). Default none. */
  readonly plugin?: { readonly program: string; readonly options: string };
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

/** Starts ss-server and waits until it serves. Rejects with its output when it does not, as for a method it does not have. */
export function startSsServer(options: PeerOptions): Promise<Peer> {
  return startPeer("ss-server", options, (host, port) => ["-s", host, "-p", String(port)]);
}

/** Starts ss-local, a SOCKS5 server on loopback, and waits until it serves. */
export function startSsLocal(options: LocalPeerOptions): Promise<Peer> {
  const { server } = options;
  return startPeer("ss-local", options, (host, port) => ["-s", server.host, "-p", String(server.port), "-b", host, "-l", String(port)]);
}

async function startPeer(
  name: "ss-server" | "ss-local",
  options: PeerOptions,
  addresses: (host: LoopbackHost, port: number) => string[],
): Promise<Peer> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort());
  const args = [...addresses(host, port), "-m", options.method, "-k", options.password, "-t", String(options.timeoutSeconds ?? 60), "-v"];
  if (options.udp) args.push("-u");
  if (options.ipv6First) args.push("-6");
  if (options.plugin) args.push("--plugin", options.plugin.program, "--plugin-opts", options.plugin.options);
  const program = startProgram(name, args);
  const stop = async (): Promise<void> => void (await program.stop());
  try {
    await program.waitForLine(/listening at/);
    await eventually(`${name} to serve`, () => isServing(host, port));
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, port, program, stop, [Symbol.asyncDispose]: stop };
}

/**
 * Its log runs ahead of its sockets. An empty connection that is closed in return shows that its event loop runs, and that begins only when
 * TCP and UDP are both bound.
 */
async function isServing(host: LoopbackHost, port: number): Promise<boolean> {
  try {
    return (await probe({ host, port, fin: true, deadlineMs: 1_000 })).close !== "none";
  } catch {
    return false;
  }
}
