import { ATYP_IPV4, ATYP_IPV6, addressFrom } from "@shadowfleet/wire";
import { type Peer, plainAddress } from "../connection.ts";
import type { ProxyHeader } from "./header-reader.ts";

const PORT = /^(?:0|[1-9]\d{0,4})$/;

/** Version 1 (PROXY protocol 2.1), without its line end. Undefined for anything that is not exactly that. */
export function parseTextHeader(line: string): ProxyHeader | undefined {
  // What stands behind UNKNOWN is to be ignored, whatever it is.
  if (line === "PROXY UNKNOWN" || line.startsWith("PROXY UNKNOWN ")) return { client: undefined };
  const [, family, source = "", destination = "", sourcePort = "", destinationPort = "", ...more] = line.split(" ");
  if (more.length > 0 || (family !== "TCP4" && family !== "TCP6")) return undefined;
  const type = family === "TCP4" ? ATYP_IPV4 : ATYP_IPV6;
  const client = endOf(source, sourcePort, type);
  return client && endOf(destination, destinationPort, type) ? { client } : undefined;
}

function endOf(host: string, port: string, type: number): Peer | undefined {
  if (!PORT.test(port) || host.startsWith("[")) return undefined;
  const address = addressFrom(host, Number(port));
  return address?.type === type ? { host: plainAddress(address.host), port: address.port } : undefined;
}
