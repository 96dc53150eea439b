/** Moments as people read them: by the clocks of a zone, in UTC, and how far away they are. */

export interface LocalMoment {
  /** `Sun 2026-03-29 03:00:00`. */
  readonly text: string;
  /** `+02:00`. */
  readonly offset: string;
  readonly offsetMinutes: number;
}

/** A moment by the clocks of a zone. */
export function localMoment(atMs: number, zone: string): LocalMoment {
  const format = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone: zone, hourCycle: "h23", weekday: "short", timeZoneName: "longOffset" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit" },
    ...{ hour: "2-digit", minute: "2-digit", second: "2-digit" },
  });
  const found = Object.fromEntries(
    format.formatToParts(atMs).map(({ type, value }) => [type, value] as const),
  );
  const { weekday, year, month, day, hour, minute, second, timeZoneName = "" } = found;
  const [, sign = "+", hours = "00", minutes = "00"] =
    /^GMT([+-])(\d\d):(\d\d)/.exec(timeZoneName) ?? [];
  const size = Number(hours) * 60 + Number(minutes);
  return {
    text: `${weekday} ${year}-${month}-${day} ${hour}:${minute}:${second}`,
    offset: `${sign}${hours}:${minutes}`,
    offsetMinutes: sign === "-" ? -size : size,
  };
}

/** `2026-03-29 01:00:00Z`. */
export function utcText(atMs: number): string {
  return new Date(atMs)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}

/** A length of time in its two largest units: `2d 3h`, `14h 3m`, `45s`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
    ["s", 1],
  ] as const;
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first === -1) return "0s";
  let rest = seconds;
  const texts = units.slice(first, first + 2).flatMap(([unit, size]) => {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    return amount === 0 ? [] : [`${amount}${unit}`];
  });
  return texts.join(" ");
}
