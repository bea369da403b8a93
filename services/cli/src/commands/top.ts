import { defineCommand } from "../arguments/command.ts";
import { type ReadText, switchFlag, valueFlag } from "../arguments/flag.ts";
import { readDuration } from "../arguments/values.ts";
import { LineDisplay, ScreenDisplay } from "../live/live-display.ts";
import { LiveWatch } from "../live/live-watch.ts";
import { untilInterrupted } from "../shell.ts";

const DEFAULT_INTERVAL_MS = 1000;
const MIN_INTERVAL_MS = 1000;
const MAX_INTERVAL_MS = 60_000;

const readInterval: ReadText<number> = (text, context) => {
  const ms = readDuration(text, context);
  if (ms < MIN_INTERVAL_MS || ms > MAX_INTERVAL_MS) throw new RangeError("expected 1s to 60s");
  return ms;
};

export const top = defineCommand({
  name: "top",
  summary: "shows live rates and sessions by access key, the fastest first, until interrupted",
  details:
    "On a terminal it is drawn in place and q ends it; elsewhere every interval is a block of lines, with -o json one line. Rates are bits a second; 1 kbit is 1000 bits.",
  args: {},
  flags: {
    interval: valueFlag("DURATION", "how often, 1s to 60s (default: 1s)", readInterval),
    once: switchFlag("show one interval and end"),
  },
  examples: ["shadowfleet top", "shadowfleet top --interval 5s", "shadowfleet top --once -o json"],
  run: ({ flags }, shell) =>
    untilInterrupted(shell.terminal, async (interrupted) => {
      const ended = new AbortController();
      const end = (): void => ended.abort();
      const watch = new LiveWatch(shell.fleet, flags.interval ?? DEFAULT_INTERVAL_MS);
      const display = shell.output.screen && !flags.once ? new ScreenDisplay(shell, end) : new LineDisplay(shell, flags.once);
      try {
        await watch.run(AbortSignal.any([interrupted, ended.signal]), (hasRates) => {
          if (flags.once && !hasRates) return;
          display.show(watch.rates.now);
          if (flags.once) end();
        });
      } finally {
        display.close();
      }
    }),
});
