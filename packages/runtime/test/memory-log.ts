import { createLogger, type LogFormat, type Logger, type LogThreshold } from "../src/index.ts";

/** A logger that writes into an array of lines. */
export function memoryLog(level: LogThreshold = "trace", format: LogFormat = "json"): { logger: Logger; lines: string[]; text(): string } {
  const lines: string[] = [];
  const logger = createLogger({ name: "test", level, format, destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, text: () => lines.join("") };
}

/** The JSON lines as records. */
export function records(lines: readonly string[]): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
