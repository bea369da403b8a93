import { type HostPort, parseSize } from "@shadowfleet/runtime";
import { defineCommand } from "../arguments/command.ts";
import { type ReadText, switchFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { readDuration, readHost } from "../arguments/values.ts";
import { GATEWAY_KEY_ID } from "../bootstrap/declared-text.ts";
import { readAddress } from "../connection/connection-flags.ts";
import { Failure } from "../failure.ts";
import { CountedGrowth, type ExpectedGrowth, excess } from "../fleet-test/counted-growth.ts";
import { EchoServer } from "../fleet-test/echo-server.ts";
import { type Passage, passTcp, passUdp, type TcpPassed, type UdpPassed } from "../fleet-test/passage.ts";
import type { Login } from "../fleet-test/socks-request.ts";
import type { Terminal } from "../terminal.ts";
import { readSecretText, SECRET_FILE_HELP } from "./secret-source.ts";

const DEFAULT_GATEWAY: HostPort = { host: "127.0.0.1", port: 1080 };
const DEFAULT_ECHO: HostPort = { host: "127.0.0.1", port: 7007 };
const DEFAULT_BYTES = 64 * 1024;
const MAX_BYTES = 16 * 1024 * 1024;
const DEFAULT_DEADLINE_MS = 15_000;
const ANY_ADDRESS = /^(?:0\.0\.0\.0|::)$/;

const readBytes: ReadText<number> = (text) => {
  const bytes = parseSize(text);
  if (bytes < 1 || bytes > MAX_BYTES) throw new RangeError("expected 1B to 16MiB");
  return bytes;
};

export const fleetTest = defineCommand({
  name: "fleet test",
  summary: "passes traffic from a gateway through a relay to an echo of its own, and checks that it was counted",
  details:
    "The counters of the access key that the gateway uses must grow by the payload bytes, at least: others may use the key meanwhile. With --exact they must not grow by more. The relays must reach the echo, which on a private address takes `targets.allow`.",
  args: {},
  flags: {
    gateway: valueFlag("HOST:PORT", "the gateway (default: 127.0.0.1:1080)", readAddress),
    echoListen: valueFlag("HOST:PORT", "where the echo listens, TCP and UDP (default: 127.0.0.1:7007)", readAddress),
    echoHost: valueFlag("HOST", "the name or address that relays reach it by (default: where it listens)", readHost),
    noUdp: switchFlag("TCP only"),
    key: textFlag("ID", `the access key that the gateway uses (default: ${GATEWAY_KEY_ID})`),
    exact: switchFlag("nobody else uses the key: more bytes than passed are a failure too"),
    bytes: valueFlag("SIZE", "what goes over TCP, there and back (default: 64KiB)", readBytes),
    deadline: valueFlag("DURATION", "how long each step may take (default: 15s)", readDuration),
    proxyUser: textFlag("NAME", "where the gateway asks for a login"),
    proxyPasswordFile: textFlag("FILE", `its password; ${SECRET_FILE_HELP}`),
  },
  examples: [
    "shadowfleet fleet test",
    "shadowfleet fleet test --gateway gateway:1080 --echo-listen 0.0.0.0:7007 --echo-host fleet-test --exact",
  ],
  run: async ({ flags }, { fleet, output, terminal }) => {
    const { gateway = DEFAULT_GATEWAY, echoListen = DEFAULT_ECHO, bytes = DEFAULT_BYTES, key = GATEWAY_KEY_ID } = flags;
    const { echoHost = echoListen.host, deadline: deadlineMs = DEFAULT_DEADLINE_MS } = flags;
    if (ANY_ADDRESS.test(echoHost)) throw new UsageError("--echo-host: tell by which name or address relays reach the echo");
    const login = await readLogin(flags, terminal);
    const passage: Passage = { gateway, login, echo: { host: echoHost, port: echoListen.port }, deadlineMs };
    await using _echo = await startEcho(echoListen, !flags.noUdp);
    const counted = await CountedGrowth.from(fleet, key);
    const tcp = await passTcp(passage, bytes);
    const udp = flags.noUdp ? undefined : await passUdp(passage);
    const expected = expectedGrowth(tcp, udp);
    const reached = await counted.reaches(expected, deadlineMs);
    const growth = flags.exact ? await counted.settles(expected) : reached;
    const more = excess(growth, expected);
    output.answer(
      () => ({ key, tcp: { ...tcp }, udp: udp === undefined ? null : { ...udp }, counted: growth, isExact: flags.exact, moreBytes: more }),
      () => [
        `TCP: ${tcp.bytes} bytes went there and back in ${tcp.tookMs} ms.`,
        ...(udp === undefined ? [] : [`UDP: ${udp.bytes} bytes went there and back in ${udp.tookMs} ms.`]),
        `The counters of access key ${key} grew by ${countedWords(flags.exact, more)}.`,
      ],
    );
  },
});

async function readLogin(
  { proxyUser: name, proxyPasswordFile: file }: { readonly proxyUser: string | undefined; readonly proxyPasswordFile: string | undefined },
  terminal: Terminal,
): Promise<Login | undefined> {
  if ((name === undefined) !== (file === undefined)) throw new UsageError("--proxy-user and --proxy-password-file need each other");
  if (name === undefined || file === undefined) return undefined;
  const password = await readSecretText(file, terminal);
  if (Math.max(Buffer.byteLength(name), Buffer.byteLength(password)) > 255)
    throw new UsageError("a SOCKS login has at most 255 bytes each");
  return { name, password };
}

async function startEcho(address: HostPort, withUdp: boolean): Promise<EchoServer> {
  try {
    return await EchoServer.start(address, withUdp);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure("BIND_FAILED", `the echo cannot listen on ${address.host} port ${address.port}: ${code}`, {
      hints: ["Give it another place with --echo-listen."],
      cause: error,
    });
  }
}

function expectedGrowth(tcp: TcpPassed, udp: UdpPassed | undefined): ExpectedGrowth {
  const { bytes: udpLeast, sentBytes: udpMost } = udp ?? { bytes: 0, sentBytes: 0 };
  const growth = (datagramBytes: number) => ({
    tcpUpBytes: BigInt(tcp.bytes),
    tcpDownBytes: BigInt(tcp.bytes),
    udpUpBytes: BigInt(datagramBytes),
    udpDownBytes: BigInt(datagramBytes),
  });
  return { least: growth(udpLeast), most: growth(udpMost) };
}

function countedWords(isExact: boolean, more: bigint): string {
  if (isExact) return "exactly that";
  return more > 0n ? `that, and by ${more} bytes of others` : "at least that";
}
