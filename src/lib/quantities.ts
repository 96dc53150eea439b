const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = {
  B: 1,
  kB: 1e3,
  KiB: 2 ** 10,
  MB: 1e6,
  MiB: 2 ** 20,
  GB: 1e9,
  GiB: 2 ** 30,
} as const;

/** Milliseconds of a duration such as `500ms`, `60s` or `1m30s`; undefined when it is not one. */
export function parseDuration(text: string): number | undefined {
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h|d)/g)) {
    totalMs += Number(amount) * durationUnits[unit as keyof typeof durationUnits];
  }
  return totalMs;
}

/** Bytes of a size such as `20kB` or `64MiB`, rounded down; undefined when it is not one. */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)(B|kB|KiB|MB|MiB|GB|GiB)$/.exec(text);
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * sizeUnits[match[2] as keyof typeof sizeUnits]);
}

/** Milliseconds of a duration that validation has let through; a bad one is a bug. */
export function durationMs(text: string): number {
  return parseDuration(text) ?? invalid("duration", text);
}

/** Bytes of a size that validation has let through; a bad one is a bug. */
export function sizeBytes(text: string): number {
  return parseSize(text) ?? invalid("size", text);
}

/** A length of time for people: `850 ms`, `3.2 s`, `4 m 05 s`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}

/** A number of bytes for people: `512 B`, `1.5 KiB`, `64 MiB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}

function invalid(noun: string, text: string): never {
  throw new Error(`"${text}" is not a ${noun}`);
}
