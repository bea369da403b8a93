import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { Failure } from "../failure.ts";

interface PartFile {
  readonly path: string;
  readonly part: string;
  readonly handle: FileHandle;
}

/** Where a long text goes: standard output, or a file that appears whole or not at all. `await using` leaves nothing half done. */
export class TextDestination implements AsyncDisposable {
  readonly #sink: { write(text: string): void };
  readonly #file: PartFile | undefined;
  #isFinished = false;

  private constructor(sink: { write(text: string): void }, file: PartFile | undefined) {
    this.#sink = sink;
    this.#file = file;
  }

  /** Rejects with Failure when the file cannot be made. */
  static async open(path: string | undefined, sink: { write(text: string): void }): Promise<TextDestination> {
    if (path === undefined) return new TextDestination(sink, undefined);
    const part = `${path}.part`;
    try {
      return new TextDestination(sink, { path, part, handle: await open(part, "w", 0o600) });
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** A text, or the bytes of one or, to a file, of an image. */
  async write(text: string | Buffer): Promise<void> {
    if (text.length === 0) return;
    if (!this.#file) return this.#sink.write(text.toString());
    await this.#file.handle.writeFile(text).catch((error: unknown) => {
      throw unwritable(this.#file!.path, error);
    });
  }

  /** Everything was written. */
  async finish(): Promise<void> {
    this.#isFinished = true;
    if (!this.#file) return;
    const { path, part, handle } = this.#file;
    await handle.sync();
    await handle.close();
    await rename(part, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isFinished || !this.#file) return;
    await this.#file.handle.close();
    await rm(this.#file.part, { force: true });
  }
}

function unwritable(path: string, error: unknown): Failure {
  return new Failure("INVALID_REQUEST", `${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`, { cause: error });
}
