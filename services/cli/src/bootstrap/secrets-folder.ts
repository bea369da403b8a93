import { chmod, chown, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../failure.ts";

/** Who may read a file: this user; the members' group as well; everybody. */
export type Audience = "owner" | "members" | "everybody";

export type FileState = "made" | "kept" | "renewed";

const MODES: Readonly<Record<Audience, number>> = { owner: 0o400, members: 0o440, everybody: 0o444 };
const FOLDER_MODE = 0o755;
const MODE_WHILE_WRITTEN = 0o600;
const SAME_USER = -1;

/** A folder of small files. Each appears whole or not at all; nothing that is there is written over unasked. */
export class SecretsFolder {
  readonly path: string;
  readonly #membersGroup: number | undefined;
  readonly #states = new Map<string, FileState>();

  /** `membersGroup` undefined: this process's own. */
  constructor(path: string, membersGroup: number | undefined) {
    this.path = path;
    this.#membersGroup = membersGroup;
  }

  /** What became of each file that was asked for, in that order. */
  get states(): ReadonlyMap<string, FileState> {
    return this.#states;
  }

  async open(): Promise<void> {
    await this.#attempt("made", this.path, () => mkdir(this.path, { recursive: true, mode: FOLDER_MODE }));
  }

  /** The text of a file; undefined when there is none. */
  async read(name: string): Promise<string | undefined> {
    const path = join(this.path, name);
    const text = await this.#attempt("read", path, () => readFile(path, "utf8").catch(nothingIfMissing));
    if (text !== undefined) this.#states.set(name, "kept");
    return text;
  }

  /** Writes a file, over what is there. */
  async write(name: string, text: string, audience: Audience): Promise<void> {
    const path = join(this.path, name);
    this.#states.set(name, this.#states.has(name) ? "renewed" : "made");
    await this.#attempt("written", path, () => this.#replace(path, text, audience));
  }

  /** Writes the file unless there is one. */
  async provide(name: string, audience: Audience, text: () => string): Promise<void> {
    if ((await this.read(name)) === undefined) await this.write(name, text(), audience);
  }

  async #replace(path: string, text: string, audience: Audience): Promise<void> {
    const unfinished = `${path}.new`;
    await rm(unfinished, { force: true });
    const file = await open(unfinished, "wx", MODE_WHILE_WRITTEN);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if (audience === "members" && this.#membersGroup !== undefined) await chown(unfinished, SAME_USER, this.#membersGroup);
    await chmod(unfinished, MODES[audience]);
    await rename(unfinished, path);
  }

  async #attempt<Result>(what: string, path: string, act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      const groupHint = syscall === "chown" ? ["--member-group needs a group that this user is in."] : [];
      throw new Failure("INVALID_REQUEST", `${path} cannot be ${what}: ${code}`, { hints: groupHint, cause: error });
    }
  }
}

function nothingIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
