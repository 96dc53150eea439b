import type { Json } from "../lib/json.ts";

const CUT = "…";

/** A value as it is when its JSON has at most so many characters; else the beginning of that JSON. It costs no more than what is shown. */
export function shownValue(value: unknown, maxChars: number): Json {
  const { text, isWhole } = headOfJson(value, maxChars);
  if (isWhole) return (value ?? null) as Json;
  // The beginning of a text is shown without its quotation mark.
  const head = typeof value === "string" ? value : text;
  return `${head.slice(0, maxChars - CUT.length).replace(/[\ud800-\udbff]$/, "")}${CUT}`;
}

/** The beginning of the JSON of a value, a little longer than asked where it is cut. */
function headOfJson(value: unknown, maxChars: number): { text: string; isWhole: boolean } {
  let text = "";
  const isFull = () => text.length > maxChars;
  const write = (part: unknown): void => {
    if (isFull()) return;
    if (typeof part === "string") text += JSON.stringify(part.slice(0, maxChars + 1));
    else if (Array.isArray(part)) {
      text += "[";
      for (const [index, item] of part.entries()) {
        if (isFull()) return;
        if (index > 0) text += ",";
        write(item);
      }
      text += "]";
    } else if (typeof part === "object" && part !== null) {
      text += "{";
      for (const key in part) {
        if (isFull()) return;
        if (text.at(-1) !== "{") text += ",";
        write(key);
        text += ":";
        write((part as Record<string, unknown>)[key]);
      }
      text += "}";
    } else text += JSON.stringify(part) ?? "null";
  };
  write(value);
  return { text, isWhole: text.length <= maxChars };
}

/** An object of values whose JSON takes at most so many bytes: the longest are cut. */
export function boundedValues(
  values: Readonly<Record<string, Json>>,
  maxBytes: number,
): Readonly<Record<string, Json>> {
  for (let share = maxBytes; ; share /= 2) {
    let left = share;
    const kept: [string, Json][] = [];
    for (const [name, value] of Object.entries(values)) {
      if (left < name.length + 8) break;
      const shown = shownValue(value, left - name.length - 8);
      left -= JSON.stringify(shown).length + name.length + 4;
      kept.push([name, shown]);
    }
    const bounded = Object.fromEntries(kept);
    if (Buffer.byteLength(safeJson(bounded)) <= maxBytes) return bounded;
  }
}

/** The beginning of a text that takes at most so many characters between quotation marks, escapes and all. */
export function boundedText(text: string, maxChars: number): string {
  for (let share = maxChars; ; share = Math.floor(share / 2)) {
    const shown = String(shownValue(text, share));
    if (safeJson(shown).length <= maxChars + 2) return shown;
  }
}

/** Whatever could end a fence, hide, or turn the direction of text, as an escape. It stays the same JSON. */
const hostile = /[`\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** JSON on one line that cannot pose as anything else. */
export function safeJson(value: Json | Readonly<Record<string, Json>>): string {
  return JSON.stringify(value).replace(hostile, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
