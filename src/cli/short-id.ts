/** Enough of the end of a ULID to tell those of one table apart; commands take it in place of the whole. */
export function shortId(id: string): string {
  return id.slice(-8);
}
