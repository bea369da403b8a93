import { type HostPort, hostPort } from "@shadowfleet/runtime";
import { type FlagValues, type ReadText, repeatableFlag, switchFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import { readDuration } from "../arguments/values.ts";

export const readAddress: ReadText<HostPort> = (text) => {
  const result = hostPort().safeParse(text);
  if (!result.success) throw new RangeError(result.error.issues[0]?.message ?? "must be host:port");
  return result.data;
};

/** Flags of every command that talks to management. */
export const CONNECTION_FLAGS = {
  server: repeatableFlag("HOST:PORT", "where management is, tried in order (default: 127.0.0.1:9190)", readAddress),
  tokenFile: textFlag("FILE", "holds the bearer token"),
  ca: textFlag("FILE", "PEM of the authorities that management's certificate may come from (default: the system's)"),
  cert: textFlag("FILE", "PEM of the client certificate, where management asks for one"),
  certKey: textFlag("FILE", "PEM of its key"),
  serverName: textFlag("NAME", "the name in management's certificate (default: the host of --server)"),
  insecure: switchFlag("no TLS; for loopback addresses only, where it is the default without --ca"),
  timeout: valueFlag("DURATION", "how long to wait for an answer (default: 10s)", readDuration),
  context: textFlag("NAME", "which of the settings file's contexts to use"),
  config: textFlag("FILE", "the settings file (default: ~/.config/shadowfleet/config.yaml)"),
} as const;

export type ConnectionFlags = FlagValues<typeof CONNECTION_FLAGS>;
