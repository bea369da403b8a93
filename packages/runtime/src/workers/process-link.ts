import type { Serializable } from "node:child_process";
import type { ErrorCode } from "../error-codes.ts";
import { codeOf, FleetError } from "../fleet-error.ts";

/** What one end answers or takes note of, by name. What a handler throws reaches the asker as a FleetError of the same code. */
export type LinkHandlers = Readonly<Record<string, (payload: never) => unknown>>;

type Message =
  | { readonly ask: number; readonly name: string; readonly payload: unknown }
  | { readonly answer: number; readonly value: unknown }
  | { readonly refusal: number; readonly code: ErrorCode; readonly reason: string }
  | { readonly tell: string; readonly payload: unknown };

/** The two ends of an IPC channel: a child as its parent sees it, or the parent as `process` of the child. */
export interface Channel {
  readonly connected: boolean;
  send?(message: Serializable, callback: (error: Error | null) => void): boolean;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
}

interface Question {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Questions and notes between two processes of a group. */
export class ProcessLink {
  readonly #channel: Channel;
  readonly #handlers: LinkHandlers;
  readonly #open = new Map<number, Question>();
  #asked = 0;

  constructor(channel: Channel, handlers: LinkHandlers) {
    this.#channel = channel;
    this.#handlers = handlers;
    channel.on("message", (message) => void this.#receive(message as Message));
    channel.on("disconnect", () => {
      for (const id of [...this.#open.keys()]) this.#settle(id)?.reject(gone());
    });
  }

  /** Rejects with a FleetError: what the other end threw, or INTERNAL when it is gone or does not answer within `limitMs`. */
  ask(name: string, payload: unknown, limitMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#asked;
      const timer = setTimeout(() => {
        this.#settle(id)?.reject(new FleetError("INTERNAL", `the other process did not answer "${name}" within ${limitMs} ms`));
      }, limitMs).unref();
      this.#open.set(id, { resolve, reject, timer });
      this.#send({ ask: id, name, payload }, () => this.#settle(id)?.reject(gone()));
    });
  }

  /** Without an answer; lost when the other end is gone. */
  tell(name: string, payload?: unknown): void {
    this.#send({ tell: name, payload }, () => {});
  }

  #send(message: Message, failed: () => void): void {
    if (!this.#channel.connected) {
      failed();
      return;
    }
    this.#channel.send?.(message as Serializable, (error) => {
      if (error) failed();
    });
  }

  async #receive(message: Message): Promise<void> {
    if ("answer" in message) this.#settle(message.answer)?.resolve(message.value);
    else if ("refusal" in message) this.#settle(message.refusal)?.reject(new FleetError(message.code, message.reason));
    else if ("tell" in message) await this.#handlers[message.tell]?.(message.payload as never);
    else await this.#answer(message);
  }

  async #answer({ ask: id, name, payload }: Extract<Message, { ask: number }>): Promise<void> {
    try {
      this.#send({ answer: id, value: await this.#handlers[name]?.(payload as never) }, () => {});
    } catch (error) {
      this.#send({ refusal: id, code: codeOf(error), reason: (error as Error).message }, () => {});
    }
  }

  #settle(id: number): Question | undefined {
    const question = this.#open.get(id);
    this.#open.delete(id);
    clearTimeout(question?.timer);
    return question;
  }
}

function gone(): FleetError {
  return new FleetError("INTERNAL", "the other process is gone");
}
