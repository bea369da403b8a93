import { s, setAttribute } from "./element.ts";

/** Fewer readings do not fill the width. */
const LEAST = 8;

/** A line of the last `length` readings. For the eye only: the number stands beside it. */
export class Spark {
  readonly element: SVGSVGElement;
  readonly #area: SVGPathElement;
  readonly #line: SVGPathElement;
  readonly #width: number;
  readonly #height: number;
  readonly #length: number;

  constructor(width: number, height: number, length: number) {
    this.#width = width;
    this.#height = height;
    this.#length = length;
    this.#area = s("path", { class: "spark-area" });
    this.#line = s("path", { class: "spark-line" });
    const box = { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" };
    this.element = s("svg", { class: "spark", "aria-hidden": "true", ...box }, this.#area, this.#line);
  }

  update(history: readonly number[]): void {
    const shown = history.slice(-this.#length);
    const top = Math.max(...shown, 1);
    const step = this.#width / (Math.max(shown.length, LEAST) - 1);
    const left = this.#width - (shown.length - 1) * step;
    const y = (value: number): string => (this.#height - 1 - (value / top) * (this.#height - 3)).toFixed(1);
    const points = shown.map((value, index) => `${(left + index * step).toFixed(1)} ${y(value)}`);
    const isFlat = points.length < 2 || shown.every((value) => value === 0);
    setAttribute(this.#line, "d", isFlat ? `M0 ${y(0)}H${this.#width}` : `M${points.join("L")}`);
    setAttribute(this.#area, "d", isFlat ? "" : `M${left.toFixed(1)} ${this.#height}L${points.join("L")}L${this.#width} ${this.#height}Z`);
    setAttribute(this.element, "class", isFlat ? "spark spark-idle" : "spark");
  }
}
