import { randomUUID } from "node:crypto";
import { type AccessKey, CreateAccessKeyRequest, CreatePortRequest } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { optionalArgument, textFlag, valueFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { isKeyId, readFutureMoment, readMethod, readMoment, readPort } from "../arguments/values.ts";
import { Failure } from "../failure.ts";
import { pairLines } from "../output/table.ts";
import { formatTimeFromNow } from "../output/times.ts";
import type { Shell } from "../shell.ts";
import { accessKeyDocument } from "../views/access-key-view.ts";
import { limitPairs } from "../views/limit-view.ts";
import { accessUriLines, checkQrChoice, QR_FLAGS } from "./key-uri.ts";
import { LIMIT_FLAGS, limitChange } from "./limit-flags.ts";
import { failedBindings } from "./port.ts";
import { readSecretText, SECRET_FILE_HELP } from "./secret-source.ts";
import { TARGET_FLAGS } from "./target-flags.ts";

export const keyCreate = defineCommand({
  name: "key create",
  summary: "creates an access key and shows its ss:// URI, on a terminal as QR code too",
  details:
    "NAME is for people to read. It becomes the id as well where it can be one: lower-case letters, digits, dot, dash, underscore. Otherwise, and without NAME, management chooses the id. What is not said is chosen too: the fleet's default port, a strong secret.",
  args: { name: optionalArgument("NAME", "whose it is; free text") },
  flags: {
    id: textFlag("ID", "the id, which never changes"),
    port: valueFlag("N", "the listening port it works on", readPort),
    method: valueFlag("METHOD", "create the port of --port with this method where there is none yet", readMethod),
    secretFile: textFlag("FILE", `take the secret from a file; ${SECRET_FILE_HELP}`),
    expires: valueFlag("WHEN", `until when it works: "90d", "2027-01-31", "2027-01-31T18:00Z"`, readFutureMoment),
    starts: valueFlag("WHEN", "from when on it works", readMoment),
    ...LIMIT_FLAGS,
    ...TARGET_FLAGS,
    ...QR_FLAGS,
  },
  examples: [
    "shadowfleet key create alice",
    "shadowfleet key create 'Alice Smith' --id alice --expires 90d",
    "shadowfleet key create alice --quota 50GB/month --quota-time-zone Europe/Berlin --quota-anchor 15 --quota-action throttle:1Mbit",
    "shadowfleet key create alice --rate 20Mbit --max-devices 3 --device-grace 2m --max-sessions 100",
    "shadowfleet key create bob --port 8389 --method 2022-blake3-aes-256-gcm",
    "shadowfleet key create carol -o json | jq -r .accessUri",
    "shadowfleet key create dora --allow-target 10.1.0.0/16 --deny-target 10.1.9.0/24,203.0.113.7",
  ],
  run: async ({ args, flags }, shell) => {
    const { method, port, starts, expires } = flags;
    if (method !== undefined && port === undefined) throw new UsageError("--method needs --port: the method of a key is its port's");
    checkQrChoice(flags);
    if (starts && expires && starts >= expires) throw new UsageError("--expires: is before --starts");
    const { limits, mask } = limitChange(flags, undefined);
    const secret = flags.secretFile === undefined ? "" : await readSecretText(flags.secretFile, shell.terminal);
    if (method !== undefined && port !== undefined) await ensurePort(port, method, shell);
    const request = CreateAccessKeyRequest.fromPartial({
      accessKey: {
        id: flags.id ?? (args.name !== undefined && isKeyId(args.name) ? args.name : ""),
        displayName: args.name ?? "",
        port: port ?? 0,
        secret,
        startTime: starts,
        expireTime: expires,
        allowTargets: flags.allowTarget ?? [],
        denyTargets: flags.denyTarget ?? [],
        ...(mask.length > 0 && { limits }),
      },
      requestId: randomUUID(),
    });
    const { accessKey, accessUri } = await shell.fleet.call("accessKeys", "createAccessKey", request);
    const key = accessKey!;
    const uri = await accessUriLines(accessUri, { ...flags, isDefaultOnTerminal: true }, shell);
    const nowMs = shell.clock.now();
    shell.output.answer(
      () => ({ accessKey: accessKeyDocument(key), accessUri }),
      () => [
        `Access key ${key.id} on port ${key.port}, ${key.method}`,
        ...(key.startTime && key.startTime.getTime() > nowMs ? [`Works from ${formatTimeFromNow(key.startTime, nowMs)}`] : []),
        ...(key.expireTime ? [`Works until ${formatTimeFromNow(key.expireTime, nowMs)}`] : []),
        ...newLimitLines(key, nowMs),
        "",
        ...uri,
      ],
    );
  },
});

/** Nothing is used of them yet. */
function newLimitLines({ limits, ...key }: AccessKey, nowMs: number): string[] {
  const unused = { ...key, limits, usage: undefined };
  return pairLines(limitPairs(unused, nowMs).filter(([name]) => name !== "quota used"));
}

/** Makes sure that the port is there with that method, and listened to. */
async function ensurePort(port: number, method: string, { fleet }: Shell): Promise<void> {
  const existing = await portMethod(port, fleet);
  if (existing === method) return;
  if (existing !== undefined) {
    throw new Failure("INVALID_REQUEST", `port ${port} is there already, with ${existing}: a key has the method of its port`, {
      hints: ["Leave out --method, or name another --port."],
    });
  }
  const request = CreatePortRequest.fromPartial({ port: { port, method }, requestId: randomUUID() });
  const { port: created } = await fleet.call("ports", "createPort", request);
  const failed = failedBindings(created!);
  if (failed.length === 0) return;
  throw new Failure("BIND_FAILED", `port ${port} was created, but not every relay could bind it; the key was not created`, {
    hints: [...failed, `Take it back with: shadowfleet port delete ${port}`],
  });
}

async function portMethod(port: number, fleet: Shell["fleet"]): Promise<string | undefined> {
  try {
    return (await fleet.call("ports", "getPort", { port })).port?.method;
  } catch (error) {
    if (error instanceof Failure && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
