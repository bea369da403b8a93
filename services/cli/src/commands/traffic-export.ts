import { ExportTrafficRequest, type ExportTrafficResponse } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { choiceFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import { readPastMoment } from "../arguments/values.ts";
import { formatExactBytes } from "../output/amounts.ts";
import { TextDestination } from "../output/text-destination.ts";
import { formatTime } from "../output/times.ts";
import { ExportText } from "../views/export-view.ts";
import { sumOf } from "../views/traffic-view.ts";

export const trafficExport = defineCommand({
  name: "traffic export",
  summary: "writes the hours of access keys as CSV or JSON, for bills and books",
  details:
    "One row an hour (UTC) and access key, those without traffic left out, ordered by hour and key. Hours that ended more than 5 minutes ago are closed by the export: their rows are final, every later export has the same ones. What a relay could not tell in time counts for the first hour that is open, so that the rows always sum up to the totals. Hours are kept for 62 days.",
  args: {},
  flags: {
    key: textFlag("ID", "only this access key (default: all, deleted ones too)"),
    from: valueFlag(
      "WHEN",
      'the first hour: "30d" ago, "2026-11-01", "2026-11-01T00:00Z" (default: 24 hours before the end)',
      readPastMoment,
    ),
    to: valueFlag("WHEN", "hours that begin before it (default: the end of the last final hour)", readPastMoment),
    format: choiceFlag("FORMAT", "csv (RFC 4180) or json (default: csv, json with -o json)", ["csv", "json"]),
    outputFile: textFlag("FILE", "write it there, whole or not at all"),
  },
  examples: [
    "shadowfleet traffic export --from 2026-11-01T00:00Z --to 2026-12-01T00:00Z --output-file november.csv",
    "shadowfleet traffic export --from 7d --key alice --format json",
  ],
  run: async ({ flags: { key, from, to, format, outputFile } }, { fleet, output, terminal }) => {
    const request = ExportTrafficRequest.fromPartial({ accessKeyId: key ?? "", startTime: from, endTime: to });
    const text = new ExportText(output.format === "json" ? "json" : format);
    await using destination = await TextDestination.open(outputFile, terminal.stdout);
    let head: ExportTrafficResponse | undefined;
    let bytes = 0n;
    for await (const message of fleet.stream("traffic", "exportTraffic", request)) {
      if (!head) await destination.write(text.head(message));
      head ??= message;
      for (const row of message.rows) if (row.bytes) bytes += sumOf(row.bytes);
      await destination.write(text.rows(message));
    }
    await destination.write(text.tail());
    await destination.finish();
    const time = (at: Date | undefined): string => (at ? formatTime(at) : "?");
    output.remark(`${text.rowCount} rows from ${time(head?.startTime)} to ${time(head?.endTime)}, ${formatExactBytes(bytes)} bytes in all`);
    if (head?.endTime && head.finalBeforeTime && head.endTime > head.finalBeforeTime)
      output.remark(`Hours from ${time(head.finalBeforeTime)} on are not final yet: they may still grow.`);
  },
});
