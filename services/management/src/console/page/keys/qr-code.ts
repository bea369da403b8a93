import { s } from "../dom/element.ts";

const VIEW_BOX = /viewBox="(0 0 \d{1,3} \d{1,3})"/;
const MODULES = /<path stroke="#000000" d="([Mmhvz0-9. -]+)"\/>/i;

/** The QR code of an SVG (base64) that management drew. Its shape is taken out and drawn anew, so that no markup comes in from outside. */
export function qrCode(base64: string, label: string): SVGSVGElement | undefined {
  const svg = atob(base64);
  const viewBox = VIEW_BOX.exec(svg)?.[1];
  const modules = MODULES.exec(svg)?.[1];
  if (viewBox === undefined || modules === undefined) return undefined;
  const attributes = { class: "qr", viewBox, role: "img", "aria-label": label, "shape-rendering": "crispEdges" };
  return s("svg", attributes, s("path", { class: "qr-modules", d: modules }));
}
