import assert from "node:assert/strict";
import type { ServiceError } from "@grpc/grpc-js";
import { AccessKey, fromServiceError } from "@shadowfleet/control-api";
import { eventually } from "@shadowfleet/testkit";
import type { Api } from "../fleet/api.ts";

const BACK_DEADLINE_MS = 30_000;
const ANSWER_DEADLINE_MS = 15_000;

let keys = 0;

async function createKey({ clients, call }: Api): Promise<void> {
  const { accessKeys } = clients;
  const accessKey = AccessKey.fromPartial({ id: `chaos-${process.pid}-${++keys}`, disabled: true });
  await call(accessKeys, accessKeys.createAccessKey, { accessKey, requestId: "" });
}

/** A write to the API now: management says that it cannot, and does not hang. */
export async function assertWritesRefused(api: Api): Promise<void> {
  const startedMs = performance.now();
  await assert.rejects(createKey(api), (error: Error) => {
    assert.equal(fromServiceError(error as ServiceError).status, "UNAVAILABLE", error.message);
    return true;
  });
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < ANSWER_DEADLINE_MS, `the refusal took ${tookMs} ms`);
}

/** Waits until writes are taken, again and again as scripts do. */
export async function writesAreTaken(api: Api): Promise<void> {
  let latest: unknown;
  const isTaken = () =>
    createKey(api).then(
      () => true,
      (error: unknown) => {
        latest = error;
        return false;
      },
    );
  await eventually("writes to be taken again", isTaken, BACK_DEADLINE_MS).catch((error: unknown) => {
    throw new Error(`${error}; the last refusal: ${latest}`);
  });
}
