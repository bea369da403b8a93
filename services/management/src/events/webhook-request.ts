import { createHmac } from "node:crypto";
import * as http from "node:http";
import * as https from "node:https";
import type { StoredEvent } from "@shadowfleet/store";
import type { Webhook } from "./webhook-config.ts";

export type WebhookAnswer =
  /** 2xx. */
  | { readonly outcome: "delivered" }
  /** What may pass: no connection, no answer in time, 408, 425, 429 or 5xx. */
  | { readonly outcome: "failed"; readonly reason: string }
  /** Redirects, which are not followed, and other answers that would not change by themselves. */
  | { readonly outcome: "refused"; readonly reason: string }
  /** 410: the receiver does not want it. */
  | { readonly outcome: "gone"; readonly reason: string };

/** More of an answer is not read. */
const MAX_ANSWER_BYTES = 65_536;
const PASSING = new Set([408, 425, 429]);

/** What is sent of an event. Its members keep their order, for the text is what is signed. */
export function webhookBody({ id, type, subject, atMs, details }: StoredEvent): string {
  return JSON.stringify({ id, type, subject, time: new Date(atMs).toISOString(), details });
}

/** Headers of Standard Webhooks: `v1` signatures are HMAC-SHA256 over "id.timestamp.body" in base64, one for each secret. */
export function webhookHeaders(secrets: readonly Buffer[], id: string, nowMs: number, body: string): Record<string, string> {
  const timestamp = Math.floor(nowMs / 1_000);
  const signatures = secrets.map((secret) => `v1,${createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64")}`);
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signatures.join(" ") };
}

/** Sends one event once, over a connection of its own. Never rejects. */
export async function postWebhook(webhook: Webhook, event: StoredEvent, nowMs: number, signal: AbortSignal): Promise<WebhookAnswer> {
  const body = webhookBody(event);
  const headers = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "user-agent": "shadowfleet",
    ...webhookHeaders(webhook.secrets, event.id, nowMs, body),
  };
  const late = AbortSignal.timeout(webhook.timeoutMs);
  try {
    return answerOf(await statusOf(webhook, headers, body, AbortSignal.any([signal, late])));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { outcome: "failed", reason: late.aborted ? `no answer within ${webhook.timeoutMs} ms` : (code ?? message) };
  }
}

function statusOf({ url, ca }: Webhook, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<number> {
  const options = { method: "POST", headers, agent: false, signal, maxHeaderSize: 16_384 } as const;
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: http.IncomingMessage): void => {
      let left = MAX_ANSWER_BYTES;
      // Read to its end for the receiver's sake; the status is what counts.
      answer.on("data", (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) answer.destroy();
      });
      answer.on("error", () => {});
      resolve(answer.statusCode ?? 0);
    };
    const request = url.startsWith("https:")
      ? https.request(url, { ...options, ...(ca ? { ca } : {}), minVersion: "TLSv1.2" }, onAnswer)
      : http.request(url, options, onAnswer);
    request.on("error", reject);
    request.end(body);
  });
}

function answerOf(status: number): WebhookAnswer {
  const reason = `status ${status}`;
  if (status >= 200 && status < 300) return { outcome: "delivered" };
  if (status === 410) return { outcome: "gone", reason };
  return { outcome: status >= 500 || PASSING.has(status) ? "failed" : "refused", reason };
}
