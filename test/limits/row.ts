/** One line of the table of limits. */
export interface Row {
  readonly what: string;
  readonly asked: string;
  readonly measured: string;
  /** Bytes beyond a quota. */
  readonly overshoot?: number;
  /** From the moment something had to end, or to go on, until the last relay did so. */
  readonly ms?: number;
}

export function tableOf(rows: readonly Row[]): string {
  const head = "| what | asked | measured | overshoot | time |\n|---|---|---|---|---|";
  const lines = rows.map(({ what, asked, measured, overshoot, ms }) => {
    const over = overshoot === undefined ? "" : `${overshoot} B`;
    return `| ${what} | ${asked} | ${measured} | ${over} | ${ms === undefined ? "" : `${Math.round(ms)} ms`} |`;
  });
  return [head, ...lines].join("\n");
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
