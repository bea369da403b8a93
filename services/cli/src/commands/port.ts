import { randomUUID } from "node:crypto";
import { CreatePortRequest, MemberKind, type Port } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { requiredArgument, switchFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import { readMethod, readPort } from "../arguments/values.ts";
import type { FleetConnection } from "../connection/fleet-connection.ts";
import { allPages, PAGE_SIZE } from "../connection/pages.ts";
import { Failure } from "../failure.ts";
import { bindingLines, portDocument, portLines, portTable } from "../views/port-view.ts";

const portArgument = requiredArgument("N", "the port number", readPort);

/** "relay-2: EADDRINUSE" for every relay that could not bind the port. One that is still trying has no error. */
export function failedBindings({ bindings }: Port): string[] {
  return bindings.flatMap(({ memberId, bound, error }) => (bound || error === "" ? [] : [`${memberId}: ${error}`]));
}

/** Relays that should serve the port and have not said whether they do. */
async function silentRelays({ bindings }: Port, fleet: FleetConnection): Promise<string[]> {
  const settled = new Set(bindings.flatMap(({ memberId, bound, error }) => (bound || error !== "" ? [memberId] : [])));
  const { members } = await fleet.call("fleet", "getFleet", {});
  const relays = members.filter(({ kind, draining }) => kind !== MemberKind.MEMBER_KIND_GATEWAY && !draining);
  return relays.flatMap(({ id }) => (settled.has(id) ? [] : [id]));
}

const list = defineCommand({
  name: "port list",
  summary: "lists the listening ports and on how many relays each is bound",
  args: {},
  flags: {},
  examples: ["shadowfleet port list"],
  run: async (_, { fleet, output }) => {
    const ports = await allPages(async (pageToken) => {
      const page = await fleet.call("ports", "listPorts", { pageSize: PAGE_SIZE, pageToken });
      return { items: page.ports, nextPageToken: page.nextPageToken };
    });
    output.answer(
      () => ({ ports: ports.map(portDocument) }),
      () => (ports.length === 0 ? ["There is no port yet."] : portTable(ports)),
    );
  },
});

const show = defineCommand({
  name: "port show",
  summary: "shows one port and its state on every relay",
  args: { port: portArgument },
  flags: {},
  examples: ["shadowfleet port show 8388"],
  run: async ({ args }, { fleet, output, clock }) => {
    const { port } = await fleet.call("ports", "getPort", args);
    output.answer(
      () => portDocument(port!),
      () => portLines(port!, clock.now()),
    );
  },
});

const create = defineCommand({
  name: "port create",
  summary: "has every relay listen on a port, TCP and UDP, and waits for what they report",
  details: "Exit code 1 when a relay could not bind it; the port is kept, and that relay goes on trying.",
  args: { port: portArgument },
  flags: {
    method: valueFlag("METHOD", "encryption method of all its keys (default: chacha20-ietf-poly1305)", readMethod),
    host: textFlag("HOST", "bind address (default: ::, both IPv6 and IPv4)"),
  },
  examples: ["shadowfleet port create 8389 --method 2022-blake3-aes-256-gcm", "shadowfleet port create 8390 --host 192.0.2.10"],
  run: async ({ args, flags }, { fleet, output }) => {
    const request = CreatePortRequest.fromPartial({
      port: { ...args, method: flags.method ?? "", host: flags.host ?? "" },
      requestId: randomUUID(),
    });
    const port = (await fleet.call("ports", "createPort", request)).port!;
    output.answer(
      () => portDocument(port),
      () => [`Port ${port.port} on ${port.host}, ${port.method}`, "", ...bindingLines(port)],
    );
    if (port.insecure) output.remark(`Note: anyone can tamper with what is sent under ${port.method}.`);
    const silent = await silentRelays(port, fleet);
    if (silent.length > 0) output.remark(`Note: no word yet from ${silent.join(", ")}; see shadowfleet port show ${port.port}`);
    const failed = failedBindings(port);
    if (failed.length > 0) throw new Failure("BIND_FAILED", `port ${port.port} is not bound on every relay`, { hints: failed });
  },
});

const remove = defineCommand({
  name: "port delete",
  summary: "stops listening on a port",
  args: { port: portArgument },
  flags: { force: switchFlag("also delete the access keys on it; their sessions end") },
  examples: ["shadowfleet port delete 8389", "shadowfleet port delete 8389 --force"],
  run: async ({ args, flags }, { fleet, output }) => {
    await deletePort({ ...args, ...flags }, fleet);
    output.answer(
      () => ({ port: args.port, deleted: true }),
      () => [`Port ${args.port} is deleted.`],
    );
  },
});

async function deletePort(request: { readonly port: number; readonly force: boolean }, fleet: FleetConnection): Promise<void> {
  try {
    await fleet.call("ports", "deletePort", request);
  } catch (error) {
    if (!(error instanceof Failure && error.code === "IN_USE")) throw error;
    throw new Failure(error.code, error.message, {
      fields: error.fields,
      hints: [`Delete its keys too with: shadowfleet port delete ${request.port} --force`],
      cause: error,
    });
  }
}

export const PORT_COMMANDS = [list, show, create, remove];
