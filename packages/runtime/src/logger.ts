import { isSpanContextValid, trace } from "@opentelemetry/api";
import { type Bindings, type ChildLoggerOptions, type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import { formatTextLine } from "./log-text.ts";
import { redactFields, redactText } from "./redaction.ts";

/** Structured log of a process; `child` narrows it to a room. Secrets are redacted by field name. */
export type Logger = PinoLogger;

/** What `createLogger` lets through, from everything to nothing. */
export const LOG_THRESHOLDS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogThreshold = (typeof LOG_THRESHOLDS)[number];

/** One JSON object a line for machines, or a short line for a person at a terminal. */
export const LOG_FORMATS = ["json", "text"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LoggerOptions {
  /** The process or service; field `service`. */
  readonly name: string;
  readonly level: LogThreshold;
  /** Default json. */
  readonly format?: LogFormat;
  /** Lines written inside a span say which. Default false. */
  readonly traced?: boolean;
  /** Receives whole lines with their line feed. Default: stdout. */
  readonly destination?: { write(line: string): void };
}

/**
 * A logger whose lines carry ISO time, level as a word and the service name. Fields with secret names, binary values and URI userinfo are
 * redacted wherever they are: in fields, in child bindings, in messages, in errors and their causes.
 */
export function createLogger(options: LoggerOptions): Logger {
  // Synchronous, so that the last line before an exit is never lost.
  const output = options.destination ?? pino.destination({ dest: 1, sync: true });
  const logger = pino(
    {
      level: options.level,
      base: { service: options.name },
      ...(options.traced ? { mixin: traceFields } : {}),
      timestamp: pino.stdTimeFunctions.isoTime,
      // Errors are plain redacted data by then; pino's own serializer would name their type Object.
      serializers: { err: (error: unknown) => error },
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redactFields(fields) as Record<string, unknown>,
      },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map(redactFormatArgument) as typeof args);
        },
        // The last net: messages, which no formatter sees, and whatever a caller stringified himself.
        streamWrite: redactText,
      },
    },
    options.format === "text" ? asText(output) : output,
  );
  redactChildBindings(logger);
  return logger;
}

/** Of the active span, under the names that log collectors look for. */
function traceFields(): object {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || !isSpanContextValid(span)) return {};
  return { trace_id: span.traceId, span_id: span.spanId, trace_flags: span.traceFlags.toString(16).padStart(2, "0") };
}

/** Objects printed by `%o` and `%j` in a message; the first argument is the field object, which the formatter redacts. */
function redactFormatArgument(argument: unknown, index: number): unknown {
  return index > 0 && typeof argument === "object" ? redactFields(argument) : argument;
}

/** pino gives bindings of children to no formatter. Children inherit from their parent, so one override reaches all of them. */
function redactChildBindings(logger: Logger): void {
  const child = logger.child as unknown as (this: Logger, bindings: Bindings, options?: ChildLoggerOptions) => Logger;
  const setBindings = logger.setBindings;
  Object.assign(logger, {
    child(this: Logger, bindings: Bindings, options?: ChildLoggerOptions) {
      return child.call(this, redactFields(bindings) as Bindings, options);
    },
    setBindings(this: Logger, bindings: Bindings) {
      setBindings.call(this, redactFields(bindings) as Bindings);
    },
  });
}

function asText(output: DestinationStream): DestinationStream {
  return { write: (line: string) => output.write(formatTextLine(JSON.parse(line))) };
}
