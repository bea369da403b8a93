import { createHash } from "node:crypto";
import type { AccessKey } from "@shadowfleet/control-api";
import { KEY_ID } from "../config/declared-schema.ts";

const PREFIX = "ssm-";

/** The key of a user whose name is any text: the name itself where it can be a key's id, otherwise made of it. */
export function keyIdOf(username: string): string {
  if (KEY_ID.test(username)) return username;
  return `${PREFIX}${createHash("sha256").update(username).digest("hex").slice(0, 24)}`;
}

/** The name a user was added by. */
export function usernameOf({ id, displayName }: Pick<AccessKey, "id" | "displayName">): string {
  return id.startsWith(PREFIX) && keyIdOf(displayName) === id ? displayName : id;
}
