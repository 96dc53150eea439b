const encoder = new TextEncoder();

export function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** The longest prefix of at most `maxBytes` UTF-8 bytes that splits no character. */
export function headBytes(text: string, maxBytes: number): string {
  if (maxBytes <= 0) return "";
  // encodeInto stops before a character that does not fit.
  const { read } = encoder.encodeInto(text, new Uint8Array(Math.min(maxBytes, text.length * 3)));
  return text.slice(0, read);
}

/** The longest suffix of at most `maxBytes` UTF-8 bytes that splits no character. */
export function tailBytes(text: string, maxBytes: number): string {
  if (maxBytes <= 0) return "";
  const bytes = encoder.encode(text);
  let start = Math.max(0, bytes.length - maxBytes);
  // 10xxxxxx continues a character.
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return new TextDecoder().decode(bytes.subarray(start));
}

/** `1 tool`, `2 tools`. */
export function count(amount: number, noun: string, plural = `${noun}s`): string {
  return `${amount} ${amount === 1 ? noun : plural}`;
}

/** Text of a model or a tool as a terminal may show it: no control characters but line breaks and tabs, no change of direction. */
export function forTerminal(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === "\n" || character === "\t" ? character : "\ufffd",
  );
}
