import { GetTrafficRequest, ListTrafficBucketsRequest } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { optionalArgument, requiredArgument, switchFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { readPastMoment, readPort } from "../arguments/values.ts";
import { allPages, PAGE_SIZE } from "../connection/pages.ts";
import type { Shell } from "../shell.ts";
import { bucketDocument, TrafficTables, trafficDocument } from "../views/traffic-view.ts";
import { trafficExport } from "./traffic-export.ts";

type Subject = NonNullable<NonNullable<GetTrafficRequest["subject"]>["subject"]>;

const exact = switchFlag("every digit of the byte counts");

const traffic = defineCommand({
  name: "traffic",
  summary: "shows how much was relayed: by access key and in all, or of one access key, port or relay",
  details:
    "Payload bytes, up is client to target. 1 kB is 1000 bytes. Totals never go down; a reset only moves the mark that SINCE RESET counts from.",
  args: { id: optionalArgument("ID", "an access key's id") },
  flags: {
    port: valueFlag("N", "all access keys of this port", readPort),
    relay: textFlag("MEMBER", "what this relay has relayed"),
    byHour: switchFlag("the access key's hours (default: the last 24)"),
    from: valueFlag("WHEN", `with --by-hour, from when on: "7d" ago, "2026-11-01"`, readPastMoment),
    to: valueFlag("WHEN", "with --by-hour, until when", readPastMoment),
    exact,
  },
  examples: [
    "shadowfleet traffic",
    "shadowfleet traffic alice --by-hour --from 7d",
    "shadowfleet traffic --relay relay-1 --exact",
    "shadowfleet traffic alice -o json | jq '.total.tcpDownBytes'",
  ],
  run: async ({ args, flags }, shell) => {
    const subjects: Subject[] = [
      ...(args.id === undefined ? [] : [{ $case: "accessKeyId", value: args.id } as const]),
      ...(flags.port === undefined ? [] : [{ $case: "port", value: flags.port } as const]),
      ...(flags.relay === undefined ? [] : [{ $case: "memberId", value: flags.relay } as const]),
    ];
    if (subjects.length > 1) throw new UsageError("ID, --port and --relay exclude each other");
    if (flags.byHour && args.id === undefined) throw new UsageError("--by-hour needs the ID of an access key");
    if (!flags.byHour && (flags.from || flags.to)) throw new UsageError("--from and --to go with --by-hour");
    const tables = new TrafficTables(flags.exact);
    if (flags.byHour && args.id !== undefined) await showHours(args.id, flags, tables, shell);
    else if (subjects[0]) await showOne(subjects[0], tables, shell);
    else await showAll(tables, shell);
  },
});

async function showAll(tables: TrafficTables, { fleet, output }: Shell): Promise<void> {
  const all = await allPages(async (pageToken) => {
    const page = await fleet.call("traffic", "listTraffic", { pageSize: PAGE_SIZE, pageToken });
    return { items: page.traffic, nextPageToken: page.nextPageToken };
  });
  const { traffic: whole } = await fleet.call("traffic", "getTraffic", { subject: undefined });
  output.answer(
    () => ({ accessKeys: all.map(trafficDocument), fleet: trafficDocument(whole!) }),
    () => tables.list(all, whole!),
  );
}

async function showOne(subject: Subject, tables: TrafficTables, { fleet, output }: Shell): Promise<void> {
  const { traffic: one } = await fleet.call("traffic", "getTraffic", GetTrafficRequest.fromPartial({ subject: { subject } }));
  output.answer(
    () => trafficDocument(one!),
    () => tables.one(one!),
  );
}

async function showHours(
  accessKeyId: string,
  { from, to }: { readonly from: Date | undefined; readonly to: Date | undefined },
  tables: TrafficTables,
  { fleet, output }: Shell,
): Promise<void> {
  const request = ListTrafficBucketsRequest.fromPartial({ accessKeyId, startTime: from, endTime: to });
  const { buckets } = await fleet.call("traffic", "listTrafficBuckets", request);
  output.answer(
    () => ({ accessKeyId, buckets: buckets.map(bucketDocument) }),
    () => tables.byHour(buckets),
  );
}

const reset = defineCommand({
  name: "traffic reset",
  summary: "has SINCE RESET of an access key count from now; its total stays",
  args: { id: requiredArgument("ID", "the access key's id") },
  flags: { exact },
  examples: ["shadowfleet traffic reset alice"],
  run: async ({ args, flags }, { fleet, output }) => {
    const { traffic: after } = await fleet.call("traffic", "resetTraffic", { accessKeyId: args.id });
    output.answer(
      () => trafficDocument(after!),
      () => new TrafficTables(flags.exact).one(after!),
    );
  },
});

export const TRAFFIC_COMMANDS = [traffic, trafficExport, reset];
