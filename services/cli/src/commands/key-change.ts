import { type AccessKeyLimits, UpdateAccessKeyRequest } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { requiredArgument, switchFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { readFutureMoment, readMoment } from "../arguments/values.ts";
import type { Shell } from "../shell.ts";
import { accessKeyDocument, accessKeyLines } from "../views/access-key-view.ts";
import { LIMIT_FLAGS, limitChange, NO_LIMIT_FLAGS, needsPresentQuota } from "./limit-flags.ts";
import { TARGET_FLAGS } from "./target-flags.ts";

const idArgument = requiredArgument("ID", "the access key's id");

/** What may be changed; a field that is not there stays as it is, a time that is undefined is taken away. */
type Changes = {
  displayName?: string;
  disabled?: boolean;
  disabledReason?: string;
  startTime?: Date | undefined;
  expireTime?: Date | undefined;
  allowTargets?: string[];
  denyTargets?: string[];
};

const MASK: Readonly<Record<keyof Changes, string>> = {
  displayName: "display_name",
  disabled: "disabled",
  disabledReason: "disabled_reason",
  startTime: "start_time",
  expireTime: "expire_time",
  allowTargets: "allow_targets",
  denyTargets: "deny_targets",
};

/** Limits are changed one by one. */
interface LimitChanges {
  readonly limits: AccessKeyLimits;
  readonly mask: readonly string[];
  /** Of the key that the change was made for; 0 where it does not depend on what was there. */
  readonly resourceVersion: bigint;
}

async function change(id: string, changes: Changes, { fleet, output, clock }: Shell, limitChanges?: LimitChanges): Promise<void> {
  const updateMask = [...Object.keys(changes).map((field) => MASK[field as keyof Changes]), ...(limitChanges?.mask ?? [])];
  const { limits, resourceVersion = 0n } = limitChanges ?? {};
  const request = UpdateAccessKeyRequest.fromPartial({
    accessKey: { ...changes, ...(limits && { limits }), id, resourceVersion },
    updateMask,
  });
  const { accessKey } = await fleet.call("accessKeys", "updateAccessKey", request);
  output.answer(
    () => accessKeyDocument(accessKey!),
    () => accessKeyLines(accessKey!, clock.now()),
  );
}

const update = defineCommand({
  name: "key update",
  summary: "changes the name, the times, the limits or the targets of an access key",
  details:
    "Limits that are not named stay as they are, and so do the parts of a quota: --quota 60GB keeps its period, --quota-action throttle:1Mbit its size. A quota that is raised lets a key that was cut go on at once.",
  args: { id: idArgument },
  flags: {
    name: textFlag("NAME", "whose it is"),
    expires: valueFlag("WHEN", `until when it works: "90d", "2027-01-31", "2027-01-31T18:00Z"`, readFutureMoment),
    noExpires: switchFlag("it works for ever"),
    starts: valueFlag("WHEN", "from when on it works", readMoment),
    noStarts: switchFlag("it works from now on"),
    ...LIMIT_FLAGS,
    ...NO_LIMIT_FLAGS,
    ...TARGET_FLAGS,
  },
  examples: [
    "shadowfleet key update alice --name 'Alice Smith'",
    "shadowfleet key update alice --expires 2027-01-31",
    "shadowfleet key update alice --quota 60GB --rate 50Mbit --no-max-devices",
    "shadowfleet key update alice --allow-target none --deny-target 203.0.113.0/24",
  ],
  run: async ({ args, flags }, shell) => {
    const { name, expires, noExpires, starts, noStarts, allowTarget, denyTarget } = flags;
    if (expires && noExpires) throw new UsageError("--expires and --no-expires exclude each other");
    if (starts && noStarts) throw new UsageError("--starts and --no-starts exclude each other");
    const changes: Changes = {
      ...(name === undefined ? {} : { displayName: name }),
      ...(expires || noExpires ? { expireTime: expires } : {}),
      ...(starts || noStarts ? { startTime: starts } : {}),
      ...(allowTarget ? { allowTargets: allowTarget } : {}),
      ...(denyTarget ? { denyTargets: denyTarget } : {}),
    };
    // Parts of a quota are changed within what it is.
    const isPart = needsPresentQuota(flags);
    const present = isPart && !flags.noQuota ? await shell.fleet.call("accessKeys", "getAccessKey", args) : undefined;
    const { limits, mask } = limitChange(flags, present?.accessKey?.limits?.quota);
    if (Object.keys(changes).length + mask.length === 0) throw new UsageError("key update needs something to change");
    const resourceVersion = present?.accessKey?.resourceVersion ?? 0n;
    await change(args.id, changes, shell, mask.length > 0 ? { limits, mask, resourceVersion } : undefined);
  },
});

const disable = defineCommand({
  name: "key disable",
  summary: "switches an access key off; its sessions end within a second",
  args: { id: idArgument },
  flags: { reason: textFlag("TEXT", "why, for those who look later") },
  examples: ["shadowfleet key disable alice --reason 'lost her phone'"],
  run: ({ args, flags }, shell) => change(args.id, { disabled: true, disabledReason: flags.reason ?? "" }, shell),
});

const enable = defineCommand({
  name: "key enable",
  summary: "switches an access key on again",
  args: { id: idArgument },
  flags: {},
  examples: ["shadowfleet key enable alice"],
  run: ({ args }, shell) => change(args.id, { disabled: false, disabledReason: "" }, shell),
});

const resetQuota = defineCommand({
  name: "key reset-quota",
  summary: "lets the quota of an access key count from now; its traffic totals stay",
  details:
    "The present window ends when it would have ended. With a quota in total, SINCE RESET of `shadowfleet traffic` counts from now as well.",
  args: { id: idArgument },
  flags: {},
  examples: ["shadowfleet key reset-quota alice"],
  run: async ({ args }, { fleet, output, clock }) => {
    const { accessKey } = await fleet.call("accessKeys", "resetQuota", args);
    output.answer(
      () => accessKeyDocument(accessKey!),
      () => accessKeyLines(accessKey!, clock.now()),
    );
  },
});

export const KEY_CHANGE_COMMANDS = [update, resetQuota, disable, enable];
