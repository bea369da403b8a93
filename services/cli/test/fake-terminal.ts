import type { Terminal } from "../src/terminal.ts";

export interface FakeTerminalOptions {
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** What comes on standard input. */
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly homeFolder?: string;
}

/** A terminal that keeps what was written, and whose keys and size the test decides. */
export class FakeTerminal implements Terminal {
  readonly stdout: Terminal["stdout"];
  readonly stderr: Terminal["stderr"];
  readonly stdin: Terminal["stdin"];
  readonly environment: Readonly<Record<string, string>>;
  readonly homeFolder: string;
  /** What is watched and not yet left again. */
  watching = 0;
  #written = "";
  #complained = "";
  #columns: number;
  #onKey: ((key: string) => void) | undefined;
  #onInterrupt: (() => void) | undefined;
  #onResize: (() => void) | undefined;

  constructor(options: FakeTerminalOptions = {}) {
    const { isTerminal = false, columns = 200, rows = 24, input = "", environment = {}, homeFolder = "/nonexistent" } = options;
    this.#columns = columns;
    const columnsNow = () => this.#columns;
    this.stdout = {
      isTerminal,
      get columns() {
        return columnsNow();
      },
      rows,
      write: (text) => {
        this.#written += text;
      },
    };
    this.stderr = {
      write: (text) => {
        this.#complained += text;
      },
    };
    this.stdin = {
      isTerminal,
      readAll: async () => input,
      readLine: async () => input.split("\n")[0] ?? "",
      watchKeys: (onKey) => this.#watched(() => (this.#onKey = onKey)),
    };
    this.environment = environment;
    this.homeFolder = homeFolder;
  }

  get out(): string {
    return this.#written;
  }

  get lines(): string[] {
    return this.#written.split("\n").slice(0, -1);
  }

  get err(): string {
    return this.#complained;
  }

  press(key: string): void {
    this.#onKey?.(key);
  }

  interrupt(): void {
    this.#onInterrupt?.();
  }

  resize(columns: number): void {
    this.#columns = columns;
    this.#onResize?.();
  }

  watchInterrupts(onInterrupt: () => void): () => void {
    return this.#watched(() => (this.#onInterrupt = onInterrupt));
  }

  watchResizes(onResize: () => void): () => void {
    return this.#watched(() => (this.#onResize = onResize));
  }

  #watched(watch: () => unknown): () => void {
    watch();
    this.watching++;
    return () => {
      this.watching--;
    };
  }
}
