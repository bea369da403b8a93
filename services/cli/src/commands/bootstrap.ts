import { randomBytes } from "node:crypto";
import { findMethod, METHODS, type Method } from "@shadowfleet/wire";
import { defineCommand } from "../arguments/command.ts";
import { type ReadText, repeatableFlag, requiredArgument, valueFlag } from "../arguments/flag.ts";
import { readHost, readPort } from "../arguments/values.ts";
import { declaredText } from "../bootstrap/declared-text.ts";
import { SecretsFolder } from "../bootstrap/secrets-folder.ts";
import { provideServerCertificate } from "../bootstrap/server-certificate.ts";
import { tableLines } from "../output/table.ts";
import { formatTime } from "../output/times.ts";

const DEFAULT_HOSTS = ["localhost", "127.0.0.1"];
const DEFAULT_PORT = 8388;
// Every client there is speaks it, and clocks need not agree; the same port serves people beside the gateways.
const DEFAULT_METHOD = findMethod("chacha20-ietf-poly1305")!;
const SECRET_BYTES = 32;
const MAX_GROUP = 0xffff_fffe;

const readSecureMethod: ReadText<Method> = (text) => {
  const secure = METHODS.filter(({ kind }) => kind !== "stream");
  const method = secure.find(({ name }) => name === text);
  if (!method) throw new RangeError(`expected one of ${secure.map(({ name }) => name).join(", ")}`);
  return method;
};

const readGroup: ReadText<number> = (text) => {
  if (!/^\d{1,10}$/.test(text) || Number(text) > MAX_GROUP) throw new RangeError("expected the number of a group");
  return Number(text);
};

export const bootstrap = defineCommand({
  name: "bootstrap",
  summary: "fills a folder with the secrets that a new fleet needs, and keeps those that are there",
  details:
    "An authority and management's certificate, tokens of the roles admin, viewer and relay, a Redis password, what links to key documents are derived from, and what management declares: a port, the access key of the gateways and the relays as their upstream. Run it again at any time: it makes what is missing, and renews the certificate when less than 90 days of it are left or when it lacks a --host. Only the owner may read secrets; relay token and Redis password are for a group.",
  args: { folder: requiredArgument("DIR", "the folder; made if there is none") },
  flags: {
    host: repeatableFlag("HOST", `a name or address management is called by (default: ${DEFAULT_HOSTS.join(", ")})`, readHost),
    relayHost: valueFlag("HOST", "where gateways find the tcp-relay (default: 127.0.0.1)", readHost),
    relayUdpHost: valueFlag("HOST", "where they find the udp-relay, if that is another host", readHost),
    relayPort: valueFlag("N", `the port of both (default: ${DEFAULT_PORT})`, readPort),
    method: valueFlag("METHOD", `its encryption method (default: ${DEFAULT_METHOD.name}, which every client speaks)`, readSecureMethod),
    memberGroup: valueFlag("GID", "the group that may read what relays and gateways need (default: the user's own)", readGroup),
  },
  isOffline: true,
  examples: [
    "shadowfleet bootstrap ./secrets --host management.example",
    "shadowfleet bootstrap /run/shadowfleet --host management-1 --host management-2 --relay-host tcp-relay --relay-udp-host udp-relay",
  ],
  run: async ({ args, flags }, { output, clock }) => {
    const { relayHost: host = "127.0.0.1", relayUdpHost: udpHost, relayPort: port = DEFAULT_PORT, method = DEFAULT_METHOD } = flags;
    const folder = new SecretsFolder(args.folder, flags.memberGroup);
    await folder.open();
    const certificate = await provideServerCertificate(folder, flags.host.length > 0 ? flags.host : DEFAULT_HOSTS, clock.now());
    await folder.provide("admin.token", "owner", newSecretLine);
    await folder.provide("viewer.token", "owner", newSecretLine);
    await folder.provide("member.token", "members", newSecretLine);
    await folder.provide("link-secret", "owner", newSecretLine);
    await folder.provide("redis-password", "members", newSecretLine);
    await folder.provide("declared.yaml", "owner", () => declaredText({ host, udpHost, port, method }));
    const files = [...folder.states].map(([name, state]) => ({ name, state }));
    output.answer(
      () => ({ folder: folder.path, files, certificateEnds: certificate.validToDate }),
      () => [
        ...tableLines(
          [{ title: "FILE" }, { title: "STATE" }],
          files.map(({ name, state }) => [name, state]),
        ),
        "",
        `Management's certificate ends on ${formatTime(certificate.validToDate)}.`,
      ],
    );
  },
});

/** A line of 256 random bits that can stand in a header, a URL and a configuration file. */
const newSecretLine = (): string => `${randomBytes(SECRET_BYTES).toString("base64url")}\n`;
