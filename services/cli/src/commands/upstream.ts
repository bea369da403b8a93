import { randomUUID } from "node:crypto";
import { CreateUpstreamRequest } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { optionalArgument, requiredArgument, textFlag, valueFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { readMethod, readPort } from "../arguments/values.ts";
import { allPages, PAGE_SIZE } from "../connection/pages.ts";
import { explanationDocument, explanationTable, upstreamDocument, upstreamTable } from "../views/upstream-view.ts";
import { readSecretText, SECRET_FILE_HELP } from "./secret-source.ts";

const idArgument = requiredArgument("ID", "the upstream's id");

const list = defineCommand({
  name: "upstream list",
  summary: "lists the upstreams in the order gateways try them, with failCnt",
  args: {},
  flags: {},
  examples: ["shadowfleet upstream list"],
  run: async (_, { fleet, output }) => {
    const upstreams = await allPages(async (pageToken) => {
      const page = await fleet.call("upstreams", "listUpstreams", { pageSize: PAGE_SIZE, pageToken });
      return { items: page.upstreams, nextPageToken: page.nextPageToken };
    });
    output.answer(
      () => ({ upstreams: upstreams.map(upstreamDocument) }),
      () => (upstreams.length === 0 ? ["There is no upstream yet."] : upstreamTable(upstreams)),
    );
  },
});

const add = defineCommand({
  name: "upstream add",
  summary: "adds an upstream at the end of the order",
  details:
    "Give either an ss:// URI or --host, --port, --method and --secret-file. A URI contains the secret, and others on this machine can see command lines: pass - and the URI on standard input.",
  args: { uri: optionalArgument("URI", `ss:// URI (SIP002); ${SECRET_FILE_HELP}`) },
  flags: {
    id: textFlag("ID", "the id (default: host:port)"),
    name: textFlag("NAME", "for people to read"),
    host: textFlag("HOST", "name or address"),
    udpHost: textFlag("HOST", "name or address for UDP, when that is another one"),
    port: valueFlag("N", "the port there", readPort),
    method: valueFlag("METHOD", "encryption method", readMethod),
    secretFile: textFlag("FILE", `password or pre-shared key; ${SECRET_FILE_HELP}`),
  },
  examples: [
    "shadowfleet key uri alice | shadowfleet upstream add - --id relay-1",
    "shadowfleet upstream add --host relay.example --port 8388 --method chacha20-ietf-poly1305 --secret-file relay.secret",
  ],
  run: async ({ args, flags }, { fleet, output, terminal }) => {
    const { host, udpHost = "", port, method, secretFile, id = "", name: displayName = "" } = flags;
    const fields = [host, port, method, secretFile].filter((value) => value !== undefined);
    const needed = args.uri === undefined ? 4 : 0;
    if (fields.length !== needed) throw new UsageError("needs either a URI, or --host, --port, --method and --secret-file");
    const accessUri = args.uri === "-" ? (await readSecretText("-", terminal)).trim() : (args.uri ?? "");
    const secret = secretFile === undefined ? "" : await readSecretText(secretFile, terminal);
    const request = CreateUpstreamRequest.fromPartial({
      upstream: { id, displayName, host: host ?? "", udpHost, port: port ?? 0, method: method ?? "", secret },
      accessUri,
      requestId: randomUUID(),
    });
    const { upstream } = await fleet.call("upstreams", "createUpstream", request);
    output.answer(
      () => upstreamDocument(upstream!),
      () => upstreamTable([upstream!]),
    );
  },
});

const remove = defineCommand({
  name: "upstream delete",
  summary: "takes an upstream away from the gateways; connections through it go on",
  args: { id: idArgument },
  flags: {},
  examples: ["shadowfleet upstream delete relay-1"],
  run: async ({ args }, { fleet, output }) => {
    await fleet.call("upstreams", "deleteUpstream", args);
    output.answer(
      () => ({ id: args.id, deleted: true }),
      () => [`Upstream ${args.id} is deleted.`],
    );
  },
});

const reset = defineCommand({
  name: "upstream reset",
  summary: "sets failCnt to 0 on all gateways, so that it is tried at once",
  args: { id: idArgument },
  flags: {},
  examples: ["shadowfleet upstream reset relay-1"],
  run: async ({ args }, { fleet, output }) => {
    const { upstream } = await fleet.call("upstreams", "resetCircuit", args);
    output.answer(
      () => upstreamDocument(upstream!),
      () => upstreamTable([upstream!]),
    );
  },
});

const explain = defineCommand({
  name: "upstream explain",
  summary: "tells which upstream a gateway would try now, and why",
  details: "For the classic policy: an upstream without failures is always tried, one with failCnt n once in n + 20 times.",
  args: {},
  flags: {},
  examples: ["shadowfleet upstream explain"],
  run: async (_, { fleet, output }) => {
    const { explanations } = await fleet.call("upstreams", "explainPick", {});
    output.answer(
      () => ({ explanations: explanations.map(explanationDocument) }),
      () => (explanations.length === 0 ? ["There is no upstream yet."] : explanationTable(explanations)),
    );
  },
});

export const UPSTREAM_COMMANDS = [list, add, remove, reset, explain];
