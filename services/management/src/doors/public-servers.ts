import { createHash } from "node:crypto";
import { RpcError } from "@shadowfleet/control-api";
import type { MemberRecord } from "@shadowfleet/store";
import type { OnlineServer } from "@shadowfleet/wire";
import type { ManagementContext, PublicHost } from "../context.ts";
import type { KeyEntry } from "../directory/entries.ts";
import { clientPasswordOf } from "../services/resource-messages.ts";

/**
 * The servers a client of this key may use: one for each public host, those with a live relay that has bound the key's port first. With `host`
 * just that one. Throws RpcError IN_USE for a key without a port.
 */
export async function publicServers(
  { directory, members, settings }: ManagementContext,
  { record }: KeyEntry,
  host = "",
): Promise<readonly OnlineServer[]> {
  const port = directory.view.ports.get(record.port);
  if (!port) throw new RpcError("IN_USE", `access key "${record.id}" has no port: there is no port ${record.port}`);
  const hosts = host === "" ? settings.publicHosts : [{ host, members: [] }];
  const relays = hosts.length > 1 ? (await members.listOrLast()).filter((member) => serves(member, record.port)) : [];
  const isHealthy = (publicHost: PublicHost): boolean => relays.some(({ id }) => isBehind(publicHost, id));
  const ordered = [...hosts.filter(isHealthy), ...hosts.filter((publicHost) => !isHealthy(publicHost))];
  const name = record.displayName || record.id;
  return ordered.map(({ host: server }) => ({
    id: stableUuid(`${record.id}\0${server}\0${record.port}`),
    remarks: hosts.length > 1 ? `${name} (${server})` : name,
    host: server,
    port: record.port,
    password: clientPasswordOf(record, port.record),
    method: port.record.method,
  }));
}

function serves({ kind, ready, draining, ports }: MemberRecord, wanted: number): boolean {
  return kind === "tcp-relay" && ready && !draining && ports.some(({ port, bound }) => port === wanted && bound);
}

/** Without names every relay is behind every host. */
function isBehind({ members }: PublicHost, memberId: string): boolean {
  if (members.length === 0) return true;
  return members.some((name) => (name.endsWith("*") ? memberId.startsWith(name.slice(0, -1)) : memberId === name));
}

/** A name-based UUID (RFC 9562 version 8): the same for the same name on every replica. */
function stableUuid(name: string): string {
  const bytes = createHash("sha256").update(`shadowfleet-server\0${name}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
