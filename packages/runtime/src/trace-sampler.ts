import { type Context, createContextKey, TraceFlags, trace } from "@opentelemetry/api";
import type { NodeSDKConfiguration } from "@opentelemetry/sdk-node";

type Sampler = NodeSDKConfiguration["sampler"];

const KEPT = createContextKey("shadowfleet trace is kept");
const DROP = { decision: 0 } as const;
const KEEP = { decision: 2 } as const;
/** The last seven bytes of a trace id are random (W3C Trace Context, level 2); four of them are enough. */
const RANDOM_HEX = 8;
const RANDOM_RANGE = 16 ** RANDOM_HEX;

/** A context in which a new trace is recorded whatever the ratio says: it was chosen already. */
export function withTraceKept(context: Context): Context {
  return context.setValue(KEPT, true);
}

/** Whoever began a trace has decided for all of it; of those begun here, a share is kept. */
export function traceSampler(ratio: number): Sampler {
  return {
    shouldSample(context, traceId) {
      const parent = trace.getSpanContext(context);
      if (parent && trace.isSpanContextValid(parent)) return parent.traceFlags & TraceFlags.SAMPLED ? KEEP : DROP;
      if (context.getValue(KEPT) === true) return KEEP;
      return Number.parseInt(traceId.slice(-RANDOM_HEX), 16) < ratio * RANDOM_RANGE ? KEEP : DROP;
    },
    toString: () => `ParentOrRatio{${ratio}}`,
  };
}
