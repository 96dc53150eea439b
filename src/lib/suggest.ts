/** A part of a name from this length on is near to the whole. */
const PREFIX_LENGTH_MIN = 3;

/**
 * The candidate that was probably meant: at most four letters in ten differ, and one always may, or the name is how it
 * begins. Two letters that changed places count as one. Undefined when none is near.
 */
export function suggest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  const wanted = name.toLowerCase();
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const longest = Math.max(wanted.length, known.length);
    const allowed = Math.max(1, Math.floor(0.4 * longest));
    const isPrefix = wanted.length >= PREFIX_LENGTH_MIN && known.startsWith(wanted);
    if (!isPrefix && Math.abs(wanted.length - known.length) > allowed) continue;
    const edits = distance(wanted, known);
    // People shorten names at the end more often than they miss the beginning, and swap letters more often than they add one.
    const likeness = commonLength(wanted, known) / 2 + (wanted.length === known.length ? 0.25 : 0);
    const score = edits - likeness;
    if (score < bestScore && (isPrefix || edits <= allowed)) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}

/** How many letters two names begin with alike. */
function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** How many letters are to be added, left out, replaced or swapped with their neighbour to make one name of the other. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped && row > 1 && column > 1
          ? (beforeLast[column - 2] ?? 0) + 1
          : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
