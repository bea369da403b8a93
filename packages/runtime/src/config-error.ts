import { FleetError } from "./fleet-error.ts";

/** One thing wrong with a configuration. */
export interface ConfigProblem {
  /** Where: `ports[0].method`, `line 3, column 7`, or `(file)`. */
  readonly path: string;
  /** What is wrong and, where known, what would be right. Never quotes a secret. */
  readonly reason: string;
}

/** A refused configuration, code CONFIG_INVALID. The message lists every problem at once, one a line, path first. */
export class ConfigError extends FleetError {
  readonly source: string;
  readonly problems: readonly ConfigProblem[];

  /** `source` is the file as the user named it. */
  constructor(source: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super("CONFIG_INVALID", [`${source}: ${count}`, ...problems.map(({ path, reason }) => `  ${path}: ${reason}`)].join("\n"), options);
    this.name = "ConfigError";
    this.source = source;
    this.problems = problems;
  }
}
