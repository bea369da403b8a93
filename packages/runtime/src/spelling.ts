const MAX_EDITS = 2;

/** The known word a person most likely meant, or undefined when none is near. Case, "-" and "_" do not count. */
export function closestWord(word: string, known: Iterable<string>): string | undefined {
  const wanted = bare(word);
  // A short word is near to almost anything: at most one edit for every three letters.
  let limit = Math.min(MAX_EDITS, Math.floor(wanted.length / 3)) + 1;
  let closest: string | undefined;
  for (const candidate of known) {
    const edits = editDistance(wanted, bare(candidate));
    if (edits < limit) {
      limit = edits;
      closest = candidate;
    }
  }
  return closest;
}

function bare(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Levenshtein distance, with one edit for two neighbours exchanged. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = last[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      let edits = Math.min(substitution, last[column]! + 1, current[column - 1]! + 1);
      const exchanged = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (exchanged) edits = Math.min(edits, beforeLast[column - 2]! + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
