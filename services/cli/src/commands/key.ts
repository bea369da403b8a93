import { randomUUID } from "node:crypto";
import { RotateSecretRequest } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { requiredArgument, switchFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import { readDuration, readPort } from "../arguments/values.ts";
import { allPages, PAGE_SIZE } from "../connection/pages.ts";
import { formatTimeFromNow } from "../output/times.ts";
import { accessKeyDocument, accessKeyLines, accessKeyTable } from "../views/access-key-view.ts";
import { confirm } from "./confirmation.ts";
import { KEY_CHANGE_COMMANDS } from "./key-change.ts";
import { KEY_CONFIG_COMMANDS } from "./key-config.ts";
import { keyCreate } from "./key-create.ts";
import { accessUriLines, checkQrChoice, QR_FLAGS } from "./key-uri.ts";
import { readSecretText, SECRET_FILE_HELP } from "./secret-source.ts";

const idArgument = requiredArgument("ID", "the access key's id");

const list = defineCommand({
  name: "key list",
  summary: "lists access keys",
  args: {},
  flags: { port: valueFlag("N", "only those of this port", readPort) },
  examples: ["shadowfleet key list", "shadowfleet key list -o json | jq -r '.accessKeys[] | select(.state == \"expired\") | .id'"],
  run: async ({ flags }, { fleet, output, clock }) => {
    const keys = await allPages(async (pageToken) => {
      const page = await fleet.call("accessKeys", "listAccessKeys", { pageSize: PAGE_SIZE, pageToken, port: flags.port ?? 0 });
      return { items: page.accessKeys, nextPageToken: page.nextPageToken };
    });
    output.answer(
      () => ({ accessKeys: keys.map(accessKeyDocument) }),
      () => (keys.length === 0 ? ["There is no access key yet: shadowfleet key create NAME"] : accessKeyTable(keys, clock.now())),
    );
  },
});

const show = defineCommand({
  name: "key show",
  summary: "shows one access key; while its secret is being replaced, who still uses the old one",
  args: { id: idArgument },
  flags: {},
  examples: ["shadowfleet key show alice"],
  run: async ({ args }, { fleet, output, clock }) => {
    const { accessKey } = await fleet.call("accessKeys", "getAccessKey", args);
    output.answer(
      () => accessKeyDocument(accessKey!),
      () => accessKeyLines(accessKey!, clock.now()),
    );
  },
});

const uri = defineCommand({
  name: "key uri",
  summary: "prints what a client needs: the ss:// URI (SIP002) with its secret",
  args: { id: idArgument },
  flags: { host: textFlag("HOST", "the host to put into it (default: the fleet's public one)"), qr: QR_FLAGS.qr },
  examples: ["shadowfleet key uri alice", "shadowfleet key uri alice --host relay.example --qr"],
  run: async ({ args, flags }, shell) => {
    const { accessUri } = await shell.fleet.call("accessKeys", "getAccessUri", { ...args, host: flags.host ?? "" });
    const lines = await accessUriLines(accessUri, { qr: flags.qr, isDefaultOnTerminal: false }, shell);
    shell.output.answer(
      () => ({ id: args.id, accessUri }),
      () => lines,
    );
  },
});

const qr = defineCommand({
  name: "key qr",
  summary: "shows the ss:// URI as a QR code to scan",
  args: { id: idArgument },
  flags: { host: textFlag("HOST", "the host to put into it (default: the fleet's public one)") },
  examples: ["shadowfleet key qr alice"],
  run: ({ args, flags }, shell) => uri.run({ args, flags: { ...flags, qr: true } }, shell),
});

const rotate = defineCommand({
  name: "key rotate",
  summary: "replaces the secret and shows the new ss:// URI",
  details:
    "Within the overlap old and new secret both work, and `shadowfleet key show ID` tells when the old one was last used. Without one the old secret stops at once; sessions that are open go on.",
  args: { id: idArgument },
  flags: {
    overlap: valueFlag("DURATION", "how long both secrets work", readDuration),
    secretFile: textFlag("FILE", `take the new secret from a file; ${SECRET_FILE_HELP}`),
    ...QR_FLAGS,
  },
  examples: ["shadowfleet key rotate alice --overlap 24h"],
  run: async ({ args, flags }, shell) => {
    const { overlap } = flags;
    checkQrChoice(flags);
    const secret = flags.secretFile === undefined ? "" : await readSecretText(flags.secretFile, shell.terminal);
    const request = RotateSecretRequest.fromPartial({
      ...args,
      secret,
      overlap: overlap === undefined ? undefined : { seconds: Math.floor(overlap / 1000), nanos: (overlap % 1000) * 1e6 },
      requestId: randomUUID(),
    });
    const { accessKey, accessUri } = await shell.fleet.call("accessKeys", "rotateSecret", request);
    const lines = await accessUriLines(accessUri, { ...flags, isDefaultOnTerminal: true }, shell);
    const until = accessKey?.overlap?.expireTime;
    shell.output.answer(
      () => ({ accessKey: accessKeyDocument(accessKey!), accessUri }),
      () => [
        `Access key ${args.id} has a new secret.`,
        until ? `The old one works until ${formatTimeFromNow(until, shell.clock.now())}` : "The old one works no more.",
        "",
        ...lines,
      ],
    );
  },
});

const remove = defineCommand({
  name: "key delete",
  summary: "deletes an access key and ends its sessions; its traffic totals are kept",
  args: { id: idArgument },
  flags: { yes: switchFlag("do not ask", "y") },
  examples: ["shadowfleet key delete alice", "shadowfleet key delete alice --yes"],
  run: async ({ args, flags }, { fleet, output, terminal }) => {
    if (!flags.yes) await confirm(`Delete access key "${args.id}" and end its sessions?`, terminal);
    await fleet.call("accessKeys", "deleteAccessKey", { ...args, resourceVersion: 0n });
    output.answer(
      () => ({ id: args.id, deleted: true }),
      () => [`Access key ${args.id} is deleted.`],
    );
  },
});

export const KEY_COMMANDS = [keyCreate, list, show, uri, qr, ...KEY_CONFIG_COMMANDS, ...KEY_CHANGE_COMMANDS, rotate, remove];
