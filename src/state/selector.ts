import { LegionError } from "../lib/errors.ts";

/** One condition on labels, parsed. `notIn` also holds where the label is absent. */
export type LabelRequirement =
  | {
      readonly label: string;
      readonly operator: "in" | "notIn";
      readonly values: readonly string[];
    }
  | { readonly label: string; readonly operator: "exists" | "absent" };

/** All requirements must hold; an empty selector takes everything. */
export type LabelSelector = readonly LabelRequirement[];

/** Whether labels meet a selector. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>) {
  return selector.every((requirement) => meets(requirement, labels));
}

function meets(requirement: LabelRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, requirement.label) ? labels[requirement.label] : undefined;
  switch (requirement.operator) {
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "in":
      return value !== undefined && requirement.values.includes(value);
    case "notIn":
      return value === undefined || !requirement.values.includes(value);
  }
}

/** One word or sign of a selector. */
interface Token {
  readonly text: string;
  readonly at: number;
}

interface Reader {
  readonly text: string;
  readonly tokens: readonly Token[];
  next: number;
}

const tokenForm = /[A-Za-z0-9_./-]+|==|!=|[=!,()]|[^\sA-Za-z0-9_./-]/g;
const labelForm = /^[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?$/;
const valueForm = /^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/;
const LABEL_CHARS_MAX = 317;
const VALUE_CHARS_MAX = 63;

/**
 * The selector of a text as kubectl takes it: `a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x)`, `a`, `!a`, with commas for
 * and. An empty text takes everything. Throws LEG7040 with the place of what it stumbles over.
 */
export function parseSelector(text: string): LabelSelector {
  const tokens = [...text.matchAll(tokenForm)].map(({ 0: word, index }) => ({
    text: word,
    at: index,
  }));
  const reader: Reader = { text, tokens, next: 0 };
  const requirements: LabelRequirement[] = [];
  while (peek(reader) !== undefined) {
    requirements.push(requirement(reader));
    if (peek(reader) === undefined) break;
    expect(reader, ",", "a comma between two conditions");
    if (peek(reader) === undefined) throw wrong(reader, "a condition behind the comma");
  }
  return requirements;
}

/** The text of a selector; reading it again gives the same selector. */
export function printSelector(selector: LabelSelector): string {
  return selector.map(printRequirement).join(",");
}

function printRequirement(condition: LabelRequirement): string {
  const { label } = condition;
  switch (condition.operator) {
    case "exists":
      return label;
    case "absent":
      return `!${label}`;
    case "in":
    case "notIn": {
      const isIn = condition.operator === "in";
      const [only] = condition.values;
      if (condition.values.length === 1) return `${label}${isIn ? "=" : "!="}${only}`;
      return `${label} ${isIn ? "in" : "notin"} (${condition.values.join(",")})`;
    }
  }
}

function requirement(reader: Reader): LabelRequirement {
  if (peek(reader)?.text === "!") {
    reader.next += 1;
    return { label: label(reader), operator: "absent" };
  }
  const name = label(reader);
  const sign = peek(reader)?.text;
  if (sign === undefined || sign === ",") return { label: name, operator: "exists" };
  const operator = operators[sign];
  if (operator === undefined) throw wrong(reader, "=, !=, in, notin or a comma");
  reader.next += 1;
  const values = sign === "in" || sign === "notin" ? list(reader) : [value(reader)];
  return { label: name, operator, values };
}

const operators: Readonly<Record<string, "in" | "notIn">> = {
  "=": "in",
  "==": "in",
  "!=": "notIn",
  in: "in",
  notin: "notIn",
};

function list(reader: Reader): readonly string[] {
  expect(reader, "(", "values in parentheses");
  const values = [value(reader)];
  while (peek(reader)?.text === ",") {
    reader.next += 1;
    values.push(value(reader));
  }
  expect(reader, ")", "a comma or the closing parenthesis");
  return values;
}

function label(reader: Reader): string {
  const token = peek(reader);
  if (token === undefined || !labelForm.test(token.text) || token.text.length > LABEL_CHARS_MAX)
    throw wrong(reader, "the name of a label");
  reader.next += 1;
  return token.text;
}

/** An empty value is written as nothing. */
function value(reader: Reader): string {
  const token = peek(reader);
  if (token === undefined || token.text === "," || token.text === ")") return "";
  if (!valueForm.test(token.text) || token.text.length > VALUE_CHARS_MAX)
    throw wrong(reader, "the value of a label");
  reader.next += 1;
  return token.text;
}

function expect(reader: Reader, sign: string, wanted: string): void {
  if (peek(reader)?.text !== sign) throw wrong(reader, wanted);
  reader.next += 1;
}

function peek({ tokens, next }: Reader): Token | undefined {
  return tokens[next];
}

function wrong(reader: Reader, wanted: string): LegionError {
  const at = peek(reader)?.at ?? reader.text.length;
  const found = peek(reader)?.text;
  const here = found === undefined ? "it ends there" : `there is "${found}"`;
  return new LegionError({
    code: "LEG7040",
    message: `the selector is not valid: at character ${at + 1} ${wanted} is missing, ${here}\n  ${reader.text}\n  ${" ".repeat(at)}^`,
    hint: "write a=b, a!=b, a in (x,y), a notin (x), a or !a, with commas between them",
    example: "team=core,tier in (gold,silver),!draft",
  });
}
