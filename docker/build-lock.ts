import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const DEADLINE_MS = 600_000;

/** Runs something that no other process of this user does at the same time. SQLite's lock goes with the process, however that ends. */
export function withLock(name: string, build: () => void): void {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "shadowfleet");
  mkdirSync(folder, { recursive: true });
  using database = new DatabaseSync(join(folder, `${name}.lock`), { timeout: DEADLINE_MS });
  database.exec("BEGIN EXCLUSIVE");
  build();
}
