/** What well-known keys look like. Long random tails keep ordinary words out. */
const shapes: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bhf_[A-Za-z0-9]{20,}/g,
  // Bounded, and from the start of a word: else a text of beginnings takes the square of its length.
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,2048}\.[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,2048}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/g,
  /\b[Bb]earer +[A-Za-z0-9._~+/=-]{20,}/g,
];

/** No shape fits a shorter text. */
const SHORTEST = 15;

/** The first part of a text that looks like a key. */
export function findSecret(text: string): string | undefined {
  if (text.length < SHORTEST) return undefined;
  for (const shape of shapes) {
    const [found] = text.match(shape) ?? [];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The text with everything that looks like a key replaced by stars, length and columns kept. */
export function maskSecrets(text: string): string {
  return shapes.reduce(
    (masked, shape) => masked.replace(shape, (secret) => "*".repeat(secret.length)),
    text,
  );
}
