import type { Shell } from "../shell.ts";
import type { LiveFleet } from "./live-rates.ts";
import { liveFleetDocument, liveTable } from "./live-table.ts";
import { Screen } from "./screen.ts";

/** Lines of a screen that are not rows: the summary, an empty line, the titles. */
const OTHER_LINES = 3;

/** Where intervals are shown. */
export interface LiveDisplay {
  show(fleet: LiveFleet): void;
  close(): void;
}

/** Draws in place, anew when the window has another size; `onQuit` is called when somebody presses q. */
export class ScreenDisplay implements LiveDisplay {
  readonly #shell: Shell;
  readonly #screen: Screen;
  readonly #unwatch: readonly (() => void)[];
  #fleet: LiveFleet | undefined;

  constructor(shell: Shell, onQuit: () => void) {
    const { terminal } = shell;
    this.#shell = shell;
    this.#screen = new Screen(terminal);
    const onKey = (key: string): void => {
      if (key === "q") onQuit();
    };
    const unwatchKeys = terminal.stdin.isTerminal ? [terminal.stdin.watchKeys(onKey)] : [];
    this.#unwatch = [terminal.watchResizes(() => this.#draw()), ...unwatchKeys];
  }

  show(fleet: LiveFleet): void {
    this.#fleet = fleet;
    this.#draw();
  }

  close(): void {
    for (const unwatch of this.#unwatch) unwatch();
    this.#screen.close();
  }

  #draw(): void {
    if (!this.#fleet) return;
    const { terminal, clock } = this.#shell;
    this.#screen.draw(liveTable(this.#fleet, new Date(clock.now()), terminal.stdout.rows - OTHER_LINES));
  }
}

/** Writes a block of lines, or a document, an interval. */
export class LineDisplay implements LiveDisplay {
  readonly #shell: Shell;
  readonly #isOnly: boolean;

  /** `isOnly`: one interval is all there will be. */
  constructor(shell: Shell, isOnly: boolean) {
    this.#shell = shell;
    this.#isOnly = isOnly;
  }

  show(fleet: LiveFleet): void {
    const { output, clock } = this.#shell;
    const at = new Date(clock.now());
    const document = () => liveFleetDocument(fleet, at);
    const lines = () => liveTable(fleet, at, Number.MAX_SAFE_INTEGER);
    if (this.#isOnly) output.answer(document, lines);
    else output.next(document, () => [...lines(), ""]);
  }

  close(): void {
    // Lines stay where they are.
  }
}
