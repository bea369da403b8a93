import { homedir } from "node:os";
import { text } from "node:stream/consumers";

/** A stream that may end at a screen. */
export interface TextSink {
  readonly isTerminal: boolean;
  /** Of the screen; 80 where there is none. */
  readonly columns: number;
  /** Of the screen; 24 where there is none. */
  readonly rows: number;
  write(text: string): void;
}

/** The outside of the command: what it reads, prints to and is interrupted by. */
export interface Terminal {
  readonly stdout: TextSink;
  readonly stderr: { write(text: string): void };
  readonly stdin: {
    readonly isTerminal: boolean;
    readAll(): Promise<string>;
    /** The next line; empty at the end of input. */
    readLine(): Promise<string>;
    /** Calls back for every key pressed, without waiting for the end of the line. Returns what stops that. */
    watchKeys(onKey: (key: string) => void): () => void;
  };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  /** Calls back when somebody wants the command to end (Ctrl-C, SIGTERM). Returns what stops that. */
  watchInterrupts(onInterrupt: () => void): () => void;
  /** Calls back when the screen has another size. Returns what stops that. */
  watchResizes(onResize: () => void): () => void;
}

const CTRL_C = "\u0003";

/** This process's own. */
export function systemTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  // `shadowfleet key list | head` closes the pipe: that is no failure.
  stdout.on("error", ({ code }: NodeJS.ErrnoException) => process.exit(code === "EPIPE" ? 0 : 1));
  return {
    stdout: {
      isTerminal: stdout.isTTY,
      get columns() {
        return stdout.columns ?? 80;
      },
      get rows() {
        return stdout.rows ?? 24;
      },
      write: (chunk) => void stdout.write(chunk),
    },
    stderr: { write: (chunk) => void stderr.write(chunk) },
    stdin: { isTerminal: stdin.isTTY, readAll: () => text(stdin), readLine, watchKeys },
    environment: process.env,
    homeFolder: homedir(),
    watchInterrupts,
    watchResizes: (onResize) => {
      stdout.on("resize", onResize);
      return () => void stdout.off("resize", onResize);
    },
  };
}

async function readLine(): Promise<string> {
  const { createInterface } = await import("node:readline");
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line;
    return "";
  } finally {
    lines.close();
  }
}

function watchKeys(onKey: (key: string) => void): () => void {
  const { stdin } = process;
  const onData = (bytes: Buffer): void => {
    const key = bytes.toString("utf8");
    // Raw mode takes the signal out of Ctrl-C.
    if (key === CTRL_C) process.kill(process.pid, "SIGINT");
    else onKey(key);
  };
  stdin.setRawMode(true);
  stdin.on("data", onData);
  stdin.resume();
  return () => {
    stdin.off("data", onData);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function watchInterrupts(onInterrupt: () => void): () => void {
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onInterrupt);
  return () => {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  };
}
