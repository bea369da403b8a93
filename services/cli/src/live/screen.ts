import { fitText } from "../output/text-width.ts";
import type { Terminal } from "../terminal.ts";

const ESC = "\u001b[";
const ENTER = `${ESC}?1049h${ESC}?25l`;
const LEAVE = `${ESC}?25h${ESC}?1049l`;
const TO_TOP = `${ESC}H`;
const CLEAR_LINE_REST = `${ESC}K`;
const CLEAR_BELOW = `${ESC}J`;

/** A screen that is drawn over and over in place, beside what was there before. */
export class Screen {
  readonly #terminal: Terminal;
  #isOpen = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Shows these lines and nothing else; what does not fit is cut. */
  draw(lines: readonly string[]): void {
    const { stdout } = this.#terminal;
    const shown = lines.slice(0, stdout.rows).map((line) => `${fitText(line, stdout.columns)}${CLEAR_LINE_REST}`);
    // In one write, so that no half-drawn picture is seen.
    stdout.write(`${this.#isOpen ? "" : ENTER}${TO_TOP}${shown.join("\r\n")}${CLEAR_BELOW}`);
    this.#isOpen = true;
  }

  /** Brings back what was there before. */
  close(): void {
    if (this.#isOpen) this.#terminal.stdout.write(LEAVE);
    this.#isOpen = false;
  }
}
