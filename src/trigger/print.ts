import {
  type Action,
  type Condition,
  dayNames,
  type Expression,
  type Trigger,
  type Window,
} from "./ast.ts";
import { durationText, sizeText } from "./literals.ts";

/** How tightly each kind of expression holds together; what is looser than its place needs brackets. */
const levels = {
  conditional: 0,
  or: 1,
  and: 2,
  not: 3,
  relation: 4,
  "??": 5,
  sum: 6,
  product: 7,
  sign: 8,
  postfix: 9,
};
const operatorLevels: Readonly<Record<string, number>> = {
  "??": levels["??"],
  "+": levels.sum,
  "-": levels.sum,
  "*": levels.product,
  "/": levels.product,
  "%": levels.product,
};

/** The text of a trigger; it parses to the same tree. */
export function printTrigger(trigger: Trigger): string {
  const { when, followed, clear, keep, cooldown, repeat, missing, between, unless, then } = trigger;
  const limit = trigger["at most"];
  const parts = [
    `when ${conditionText(when)}`,
    followed &&
      `followed by ${printExpression(followed.by)} within ${durationText(followed.within.ms)}`,
    clear && `clear when ${conditionText(clear)}`,
    keep && `keep ${durationText(keep.ms)}`,
    cooldown && `cooldown ${durationText(cooldown.ms)}`,
    limit && `at most ${limit.count} per ${durationText(limit.per.ms)}`,
    trigger.once && "once",
    trigger["every poll"] && "every poll",
    repeat && `repeat ${durationText(repeat.ms)}`,
    missing && `missing ${missing.policy}`,
    between && windowText(between),
    ...trigger.except.map((window) => `except ${windowText(window)}`),
    unless && `unless firing(${JSON.stringify(unless.name)})`,
    then && `then ${then.actions.map(actionText).join(", ")}`,
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}

function conditionText({ expression, lasting }: Condition): string {
  const text = printExpression(expression);
  if (lasting === undefined) return text;
  if (lasting.kind === "time") return `${text} for ${durationText(lasting.ms)}`;
  const { count, of } = lasting;
  return `${text} for ${count === of ? "" : `${count} of `}${of} polls`;
}

function windowText({ fromMinute, toMinute, days, zone }: Window): string {
  const on = days === undefined ? "" : ` on ${days.map((day) => dayNames[day]).join(", ")}`;
  const where = zone === undefined ? "" : ` in ${JSON.stringify(zone.value)}`;
  return `between ${timeText(fromMinute)} and ${timeText(toMinute)}${on}${where}`;
}

/** `09:00` of a minute of the day. */
export function timeText(minute: number): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function actionText(action: Action): string {
  if (action.kind === "silent") return "silent";
  const text = action.text === undefined ? "" : ` ${JSON.stringify(action.text.value)}`;
  if (action.kind === "wake") return `wake${text}`;
  const map = action.map === undefined ? "" : ` ${printExpression(action.map)}`;
  return `${action.kind}:${action.name}${text}${map}`;
}

/** The text of an expression; it parses to the same tree. */
export function printExpression(node: Expression): string {
  switch (node.kind) {
    case "number":
      if (node.isSize) return sizeText(node.value);
      return Number.isFinite(node.value) ? String(node.value) : "1e999";
    case "duration":
      return durationText(node.ms);
    case "polls":
      return `${node.count} polls`;
    case "string":
      return JSON.stringify(node.value);
    case "constant":
      return String(node.value);
    case "name":
      return node.name;
    case "unary":
      return node.operator === "not"
        ? `not ${at(node.operand, levels.not)}`
        : `${node.operator}${at(node.operand, levels.sign)}`;
    case "binary":
      return binaryText(node.operator, node.left, node.right);
    case "logic": {
      const level = levels[node.operator] + 1;
      return node.operands.map((operand) => at(operand, level)).join(` ${node.operator} `);
    }
    case "conditional":
      return `${at(node.test, levels.or)} ? ${at(node.then, levels.or)} : ${at(node.otherwise, levels.conditional)}`;
    case "field":
      return `${at(node.of, levels.postfix)}${node.isOptional ? "?." : "."}${wordText(node.name)}`;
    case "index":
      return `${at(node.of, levels.postfix)}[${printExpression(node.index)}]`;
    case "call":
      return callText(node.name, node.arguments, node.isMethod);
    case "list":
      return `[${node.items.map(printExpression).join(", ")}]`;
    case "map":
      return `{${node.entries.map(({ key, value }) => `${at(key, levels.or)} : ${printExpression(value)}`).join(", ")}}`;
  }
}

function binaryText(operator: string, left: Expression, right: Expression): string {
  const level = operatorLevels[operator] ?? levels.relation;
  // Comparisons do not chain; the other operators hold to the left.
  const leftLevel = level === levels.relation ? level + 1 : level;
  return `${at(left, leftLevel)} ${operator} ${at(right, level + 1)}`;
}

function callText(name: string, given: readonly Expression[], isMethod: boolean): string {
  const [first, ...rest] = given;
  return isMethod && first !== undefined
    ? `${at(first, levels.postfix)}.${name}(${rest.map(printExpression).join(", ")})`
    : `${name}(${given.map(printExpression).join(", ")})`;
}

function wordText(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `\`${name}\``;
}

/** The expression, in brackets when it holds together less tightly than the place. */
function at(node: Expression, level: number): string {
  const text = printExpression(node);
  return levelOf(node) < level ? `(${text})` : text;
}

function levelOf(node: Expression): number {
  switch (node.kind) {
    case "conditional":
      return levels.conditional;
    case "logic":
      return levels[node.operator];
    case "unary":
      return node.operator === "not" ? levels.not : levels.sign;
    case "binary":
      return operatorLevels[node.operator] ?? levels.relation;
    case "number":
      // `1.x` would read on as a number.
      return node.isSize ? levels.postfix : levels.sign;
    default:
      return levels.postfix;
  }
}
