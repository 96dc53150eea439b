import { distance } from "fastest-levenshtein";

/** The candidate that was probably meant: at most four letters in ten differ, and one always may. Undefined when none is near. */
export function suggest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  const wanted = name.toLowerCase();
  for (const candidate of candidates) {
    const edits = distance(wanted, candidate.toLowerCase());
    if (
      edits < bestDistance &&
      edits <= Math.max(1, Math.floor(0.4 * Math.max(name.length, candidate.length)))
    ) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
}
