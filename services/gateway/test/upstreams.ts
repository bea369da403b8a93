import { type Credential, findMethod } from "@shadowfleet/wire";
import type { Upstream } from "../src/upstream/upstream.ts";

const credential: Credential = {
  method: findMethod("aes-256-gcm")!,
  key: Buffer.alloc(32),
  identityKeys: [],
  identityHash: Buffer.alloc(0),
};

/** Upstreams that only a picker looks at. */
export function namedUpstreams(...ids: string[]): Upstream[] {
  return ids.map((id, index) => ({ id, host: "127.0.0.1", udpHost: "127.0.0.1", port: 1000 + index, credential, tag: undefined }));
}
