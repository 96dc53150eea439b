import { type Frame, searchSteps, spend, tooManySteps } from "./frame.ts";
import { gives, type PlainFunction } from "./function-spec.ts";
import { matching, operations, textOfLength } from "./operators.ts";
import { listOf } from "./value-types.ts";
import { isList, isMap, MISSING, textOf, type Value } from "./values.ts";

/** A space by Unicode's property White_Space; a byte order mark is none. */
function isSpace(text: string, at: number): boolean {
  const letter = text[at];
  return letter !== undefined && (/\s/.test(letter) || letter === "\u0085") && letter !== "\ufeff";
}

function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (isSpace(text, start)) start += 1;
  while (end > start && isSpace(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

/** A method of two values that is a word of the language as well: `x.contains(y)` is `x contains y`. */
function relation(
  name: "contains" | "startsWith" | "endsWith",
  params: readonly string[],
  doc: string,
): PlainFunction {
  return {
    kind: "plain",
    params,
    ...gives("bool"),
    doc,
    call: ([a = MISSING, b = MISSING], frame) => operations[name](a, b, frame),
  };
}

function textFunction(
  params: readonly string[],
  doc: string,
  make: (given: readonly string[]) => string,
): PlainFunction {
  return {
    kind: "plain",
    params,
    ...gives("string"),
    doc,
    call: (given, frame) => {
      const [text = ""] = given as readonly string[];
      return textOfLength(text.length, frame, () => make(given as readonly string[]));
    },
  };
}

/** How many characters, not code units, a text has. */
function charactersIn(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function splitText([text = "", separator = ""]: readonly Value[], frame: Frame): Value {
  const whole = String(text);
  const between = String(separator);
  if (!spend(frame, (whole.length >> 4) + searchSteps(whole, between))) return tooManySteps;
  return between === "" ? [...whole] : whole.split(between);
}

function joinTexts([list = [], separator = ""]: readonly Value[], frame: Frame): Value {
  if (!isList(list) || typeof separator !== "string") return MISSING;
  if (!spend(frame, list.length)) return tooManySteps;
  const texts: string[] = [];
  let length = 0;
  for (const item of list) {
    const text = textOf(item);
    length += text.length + separator.length;
    if (!spend(frame, text.length >> 6)) return tooManySteps;
    texts.push(text);
  }
  return textOfLength(length, frame, () => texts.join(separator));
}

function replaceText([text = "", from = "", to = ""]: readonly Value[], frame: Frame): Value {
  const whole = String(text);
  const wanted = String(from);
  const put = String(to);
  if (!spend(frame, (whole.length >> 6) + searchSteps(whole, wanted))) return tooManySteps;
  const count = wanted === "" ? whole.length + 1 : whole.split(wanted).length - 1;
  const length = whole.length + count * (put.length - wanted.length);
  return textOfLength(length, frame, () => whole.replaceAll(wanted, () => put));
}

const match = matching();

export const textFunctions: Readonly<Record<string, PlainFunction>> = {
  size: {
    kind: "plain",
    params: ["string|list|map"],
    ...gives("number"),
    doc: "the characters of a string, the elements of a list, the keys of a map",
    call: ([value = MISSING], frame) => {
      if (typeof value === "string")
        return spend(frame, value.length >> 6) ? charactersIn(value) : tooManySteps;
      if (isList(value)) return value.length;
      if (!isMap(value)) return MISSING;
      const keys = Object.keys(value).length;
      return spend(frame, keys >> 4) ? keys : tooManySteps;
    },
  },
  lower: textFunction(["string"], "the string in small letters", ([text = ""]) =>
    text.toLowerCase(),
  ),
  upper: textFunction(["string"], "the string in capital letters", ([text = ""]) =>
    text.toUpperCase(),
  ),
  trim: textFunction(["string"], "the string without space at both ends", ([text = ""]) =>
    trimmed(text),
  ),
  split: {
    kind: "plain",
    params: ["string", "string"],
    result: "list of string",
    returns: () => listOf("string"),
    doc: "the parts of the string between the separators",
    call: splitText,
  },
  join: {
    kind: "plain",
    params: ["list", "string?"],
    ...gives("string"),
    doc: "the elements as one string, with the separator between them",
    call: joinTexts,
  },
  replace: {
    kind: "plain",
    params: ["string", "string", "string"],
    ...gives("string"),
    doc: "the string with every occurrence of the second replaced by the third",
    call: replaceText,
  },
  contains: relation(
    "contains",
    ["string|list|map", "any"],
    "whether the string holds the text, the list the element, the map the key",
  ),
  startsWith: relation(
    "startsWith",
    ["string", "string"],
    "whether the string begins with the text",
  ),
  endsWith: relation("endsWith", ["string", "string"], "whether the string ends with the text"),
  matches: {
    kind: "plain",
    params: ["string", "string"],
    ...gives("bool"),
    doc: "whether a part of the string matches the regular expression",
    call: ([text = MISSING, pattern = MISSING], frame) => match(text, pattern, frame),
  },
};
