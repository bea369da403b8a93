import type { Readable } from "node:stream";

const LONGEST_LINE = 2_000;

/** Tells every line of a stream, cut off where it is too long. */
export function onLines(stream: Readable, tell: (line: string) => void): void {
  let begun = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (begun + text).split("\n");
    begun = lines.pop()!.slice(0, LONGEST_LINE);
    for (const line of lines) if (line.trim() !== "") tell(line.trimEnd().slice(0, LONGEST_LINE));
  });
  stream.on("end", () => {
    if (begun.trim() !== "") tell(begun.trimEnd());
  });
}
