// Runs inside the page: the modules of a QR code in a picture of it, as a telephone's camera would find them.

const FINDER = 7;

// biome-ignore lint/correctness/noUnusedVariables: called by name from outside.
async function modulesOf(base64Png: string): Promise<boolean[][]> {
  const bytes = Uint8Array.from(atob(base64Png), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes]));
  const { width, height } = picture;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (!context) throw new Error("no canvas");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const isDark = (x: number, y: number): boolean => (data[(Math.floor(y) * width + Math.floor(x)) * 4] ?? 255) < 128;
  const columns = Array.from({ length: width }, (_, x) => x).filter((x) =>
    Array.from({ length: height }, (_, y) => y).some((y) => isDark(x, y)),
  );
  const rows = Array.from({ length: height }, (_, y) => y).filter((y) => columns.some((x) => isDark(x, y)));
  const [left = 0, right = 0, top = 0] = [columns[0], columns.at(-1), rows[0]];
  let run = 0;
  while (isDark(left + run, top + 1)) run++;
  // The finder's edge is seven modules long, which is rough; a code has 17 and a multiple of four of them.
  const size = Math.round(((right - left + 1) / (run / FINDER) - 17) / 4) * 4 + 17;
  const module = (right - left + 1) / size;
  const centre = (start: number, at: number): number => start + (at + 0.5) * module;
  return Array.from({ length: size }, (_, row) =>
    Array.from({ length: size }, (_, column) => isDark(centre(left, column), centre(top, row))),
  );
}
