import { AccessKey, AccessKeyState, Origin } from "@shadowfleet/control-api";
import { NOW_MS } from "./command.ts";

export const URI = "ss://Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTpzZWNyZXQ@relay.example:8388#alice";
export const DAY_MS = 86_400_000;

/** An access key as management tells it. */
export const alice = AccessKey.fromPartial({
  id: "alice",
  displayName: "Alice",
  port: 8388,
  method: "chacha20-ietf-poly1305",
  state: AccessKeyState.ACCESS_KEY_STATE_ACTIVE,
  createTime: new Date(NOW_MS - DAY_MS),
  updateTime: new Date(NOW_MS),
  resourceVersion: 2n ** 60n,
  origin: Origin.ORIGIN_RUNTIME,
});
/** The same as a document. */
export const ALICE_DOCUMENT = {
  id: "alice",
  displayName: "Alice",
  port: 8388,
  method: "chacha20-ietf-poly1305",
  state: "active",
  disabled: false,
  disabledReason: "",
  startTime: null,
  expireTime: null,
  allowTargets: [],
  denyTargets: [],
  limits: null,
  usage: null,
  createTime: "2026-11-22T00:00:00.000Z",
  updateTime: "2026-11-23T00:00:00.000Z",
  resourceVersion: 2 ** 60,
  origin: "runtime",
  overlap: null,
};
