/** A field of a pattern and where it stands in the text. */
export interface PlacedField {
  readonly text: string;
  readonly start: number;
}

/** What is wrong with a field, with offsets into the text of the pattern. */
export interface FieldProblem {
  readonly message: string;
  readonly hint: string;
  readonly start: number;
  readonly end: number;
}

interface FieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The first stands for min. */
  readonly names?: readonly string[];
  /** What else stands for a part of a list. */
  readonly special?: RegExp;
  readonly specialHint?: string;
}

const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const weekdays = "sun mon tue wed thu fri sat".split(" ");

const rules: readonly FieldRule[] = [
  { name: "second", min: 0, max: 59 },
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  {
    ...{ name: "day of the month", min: 1, max: 31 },
    special: /^(\?|l|([1-9]|[12]\d|3[01])w)$/i,
    specialHint: ", L, LW or 15W",
  },
  { name: "month", min: 1, max: 12, names: months },
  {
    ...{ name: "day of the week", min: 0, max: 7, names: weekdays },
    special: /^(\?|([0-7]|sun|mon|tue|wed|thu|fri|sat)(l|#[1-5]))$|^\?$/i,
    specialHint: ", friL or fri#2",
  },
];

/** Names that stand for a pattern. */
export const nicknames: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * sun",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** The six fields of a pattern; without its second the first is undefined. */
export function placedFields(pattern: string): readonly (PlacedField | undefined)[] {
  const fields = [...pattern.matchAll(/\S+/g)].map(({ 0: text, index: start }) => ({
    text,
    start,
  }));
  return fields.length === 5 ? [undefined, ...fields] : fields;
}

/** Whether a field of days is free, also in steps. */
export function isWildcard(field: string | undefined): boolean {
  return field === undefined || field.startsWith("*") || field.startsWith("?");
}

/** Everything that is wrong with a pattern; nothing when each field is one. */
export function fieldProblems(pattern: string): readonly FieldProblem[] {
  const fields = placedFields(pattern);
  const whole = { start: 0, end: pattern.length };
  const name = pattern.trim().toLowerCase();
  if (name.startsWith("@") || (nicknames[`@${name}`] ?? "") !== "") {
    const known = Object.keys(nicknames).join(", ");
    const message = `no schedule is named "${pattern.trim()}"`;
    const near = nicknames[`@${name}`] === undefined ? `use one of: ${known}` : `write @${name}`;
    return [{ message, hint: near, ...whole }];
  }
  if (fields.length !== rules.length) {
    const message = `a schedule has 5 or 6 fields, and this one has ${fields.length}`;
    const isDuration = /^\s*\d+(ms|s|m|h|d)\s*$/.test(pattern);
    const hint = isDuration
      ? `write every ${pattern.trim()}`
      : "write minute, hour, day of the month, month and day of the week, such as 0 9 * * mon-fri";
    return [{ message, hint, ...whole }];
  }
  return fields.flatMap((field, index) => {
    const rule = rules[index];
    return field === undefined || rule === undefined ? [] : problemsOf(field, rule);
  });
}

function problemsOf({ text, start }: PlacedField, rule: FieldRule): FieldProblem[] {
  // The last day from Monday to Friday is that of no list.
  if (rule.name === "day of the month" && /^lw$/i.test(text)) return [];
  let offset = start;
  return text.split(",").flatMap((part) => {
    const place = { start: offset, end: offset + Math.max(part.length, 1) };
    offset += part.length + 1;
    const wrong = problemOf(part, rule);
    return wrong === undefined ? [] : [{ ...wrong, ...place }];
  });
}

function problemOf(
  part: string,
  rule: FieldRule,
): Pick<FieldProblem, "message" | "hint"> | undefined {
  const { name, special } = rule;
  const hint = `use ${allowed(rule)}`;
  if (part === "") return { message: `the ${name} has an empty part`, hint };
  if (part === "*" || special?.test(part)) return undefined;
  const [, range = "", , step] = /^([^/]*)(\/(.*))?$/.exec(part) ?? [];
  if (step !== undefined) {
    if (range !== "*" && !range.includes("-")) {
      const from = range === "" ? "*" : `${range}-${rule.max}`;
      return {
        message: `the step in "${part}" of the ${name} has no range`,
        hint: `write ${from}/${step}`,
      };
    }
    const most = rule.name === "day of the week" ? 7 : rule.max - rule.min + 1;
    if (!/^\d+$/.test(step) || Number(step) < 1 || Number(step) > most)
      return { message: `"${step}" is no step of the ${name}`, hint: `use 1 to ${most}` };
    if (range === "*") return undefined;
  }
  const ends = range.split("-");
  const values = ends.map((end) => numberOf(end, rule));
  const [from, to = from] = values;
  if (ends.length > 2 || from === undefined || values.includes(undefined) || to === undefined)
    return { message: `"${part}" is no ${name}`, hint };
  // Sunday is 0 and 7.
  const last = ends.length === 2 && /^sun$/i.test(ends[1] ?? "") ? 7 : to;
  if (from <= last) return undefined;
  return {
    message: `"${part}" of the ${name} begins after its end`,
    hint: `write ${ends[0]}-${endName(rule)},${beginName(rule)}-${ends[1]}`,
  };
}

function numberOf(text: string, { min, max, names }: FieldRule): number | undefined {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  if (index >= 0) return index + min;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

function beginName({ min, names }: FieldRule): string {
  return names?.[0] ?? String(min);
}

function endName({ max, names }: FieldRule): string {
  return names?.at(-1) ?? String(max);
}

function allowed({ min, max, names, specialHint = "" }: FieldRule): string {
  const named = names === undefined ? "" : ` or ${names[0]} to ${names.at(-1)}`;
  return `${min} to ${max}${named}, *, ranges, lists and steps${specialHint}`;
}
