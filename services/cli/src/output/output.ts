import type { Terminal } from "../terminal.ts";
import { type Document, toJson, toYaml } from "./document.ts";

export const OUTPUT_FORMATS = ["table", "json", "yaml"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Where a command's answer goes: text for people, or a document for machines. Remarks go to stderr in every format. */
export class Output {
  readonly format: OutputFormat;
  readonly #terminal: Terminal;

  constructor(format: OutputFormat, terminal: Terminal) {
    this.format = format;
    this.#terminal = terminal;
  }

  /** A person looks at it, on a screen of so many columns and rows. */
  get screen(): { readonly columns: number; readonly rows: number } | undefined {
    const { isTerminal, columns, rows } = this.#terminal.stdout;
    return this.format === "table" && isTerminal ? { columns, rows } : undefined;
  }

  /** The one answer of a command. Lines are only made when they are wanted. */
  answer(document: () => Document, lines: () => readonly string[]): void {
    if (this.format === "json") this.lines([toJson(document(), 2)]);
    else if (this.format === "yaml") this.#terminal.stdout.write(toYaml(document()));
    else this.lines(lines());
  }

  /** One of many answers: a line of JSON, or a YAML document that begins with "---". */
  next(document: () => Document, lines: () => readonly string[]): void {
    if (this.format === "json") this.lines([toJson(document(), 0)]);
    else if (this.format === "yaml") this.#terminal.stdout.write(`---\n${toYaml(document())}`);
    else this.lines(lines());
  }

  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.#terminal.stdout.write(`${lines.join("\n")}\n`);
  }

  /** Something to know that is not the answer. */
  remark(text: string): void {
    this.#terminal.stderr.write(`${text}\n`);
  }
}
