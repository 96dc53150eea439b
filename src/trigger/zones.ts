/** Time zones are kept once they were asked for; there are some hundreds of them. */
const formats = new Map<string, Intl.DateTimeFormat>();
const FORMATS_MAX = 1000;
const fields = ["year", "month", "day", "hour", "minute", "second"] as const;

function formatOf(zone: string): Intl.DateTimeFormat {
  const kept = formats.get(zone);
  if (kept !== undefined) return kept;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    ...Object.fromEntries(fields.map((field) => [field, "numeric"])),
  });
  if (formats.size < FORMATS_MAX) formats.set(zone, format);
  return format;
}

/** Whether the name is that of a time zone: `Europe/Oslo`, `UTC`. An offset is none: it knows no summer time. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds of an offset from UTC such as `+05:30`; undefined when it is none. */
export function offsetOf(text: string): number | undefined {
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(text);
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === "-" ? -minutes : minutes) * 60_000;
}

/** What the clocks of a zone show at a moment, as a date whose UTC fields are those of the clocks. */
export function wallClock(nowMs: number, zone: string): Date {
  const offsetMs = zone === "UTC" ? 0 : offsetOf(zone);
  if (offsetMs !== undefined) return new Date(nowMs + offsetMs);
  const shown: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(nowMs)) shown[type] = Number(value);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = fields.map(
    (field) => shown[field],
  );
  const ms = ((nowMs % 1000) + 1000) % 1000;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms));
}
