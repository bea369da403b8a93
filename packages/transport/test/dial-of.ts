import { type DialOptions, type DialResult, startDial } from "../src/dial.ts";

/** How a dial ended. */
export function dialOf(options: DialOptions): Promise<DialResult> {
  return new Promise((resolve) => {
    startDial(options, resolve);
  });
}
