import { plainText } from "./encode.ts";
import {
  capped,
  create,
  defineProperty,
  ErrorType,
  freeze,
  getOwnPropertyDescriptor,
  guestGlobal,
  hasOwn,
  indirectEval,
  ownKeys,
  ownText,
  PromiseType,
  ProxyType,
  parse,
  RangeErrorType,
  StringType,
  type Table,
  TypeErrorType,
} from "./originals.ts";
import { installRandom } from "./random.ts";

/** What the host hands over once, at boot. */
interface HostFunctions {
  /** Takes a call and answers its number; the host then calls `settle`. */
  readonly call: (name: string, argument: string) => number;
  readonly log: (line: string) => void;
  /** The next step for somebody who used a name of `tools` that does not exist. */
  readonly missing: (path: string) => string;
  /** Says that the code has its value, or an error. */
  readonly ended: () => void;
}

const ARGUMENT_CHARS_MAX = 4 * 1024 * 1024;
const LINE_CHARS_MAX = 8192;
const FIELD_CHARS_MAX = 2000;
const STACK_CHARS_MAX = 20_000;

interface Surface {
  readonly tools: Record<string, string[]>;
  readonly functions: string[];
  readonly prelude?: string;
}

/** Puts `tools`, the host's functions, `console` and what the prelude makes in place. JSON list of the names of the last. */
export function install(host: HostFunctions, surfaceText: string): string {
  const { call, log, missing } = host;
  ended = host.ended;
  const surface = parse(surfaceText) as Surface;
  installRandom();
  // Shared memory is of no use without threads.
  Reflect.deleteProperty(guestGlobal, "SharedArrayBuffer");
  for (const name of surface.functions) fix(guestGlobal, name, hostFunction(name, name, call));
  const tools = create(null) as Table;
  for (const namespace of Object.keys(surface.tools)) {
    const functions = create(null) as Table;
    for (const name of surface.tools[namespace] ?? []) {
      fix(
        functions,
        name,
        hostFunction(`tools.${namespace}.${name}`, `${namespace}.${name}`, call),
      );
    }
    fix(tools, namespace, instructive(freeze(functions), `tools.${namespace}`, missing));
  }
  fix(guestGlobal, "tools", instructive(freeze(tools), "tools", missing));
  fix(guestGlobal, "console", consoleOf(log));
  return ownText(surface.prelude === undefined ? [] : adopt(surface.prelude));
}

/** Runs the prelude; what it has put on globalThis can no more be replaced than `tools`. Answers the names. */
function adopt(prelude: string): string[] {
  const before = new Set(ownKeys(guestGlobal));
  indirectEval(`(() => {"use strict";\n${prelude}\n})()`);
  const adopted: string[] = [];
  for (const name of ownKeys(guestGlobal)) {
    if (before.has(name) || typeof name !== "string") continue;
    const descriptor = getOwnPropertyDescriptor(guestGlobal, name);
    if (descriptor !== undefined && "value" in descriptor) fix(guestGlobal, name, descriptor.value);
    adopted.push(name);
  }
  return adopted;
}

function fix(target: object, name: string, value: unknown): void {
  defineProperty(target, name, { value, enumerable: true, writable: false, configurable: false });
}

/** A frozen object whose unknown names are errors that say what there is. */
function instructive(target: object, path: string, missing: HostFunctions["missing"]): object {
  return new ProxyType(target, {
    __proto__: null,
    get: (object: object, name: PropertyKey) => {
      if (typeof name === "symbol" || hasOwn(object, name)) return (object as Table)[name];
      if (isQuiet(name)) return undefined;
      const full = `${path}.${StringType(name)}`;
      throw hinted(new TypeErrorType(`${full} does not exist`), { hint: missing(full) });
    },
  } as ProxyHandler<object>);
}

/** What programs ask any object for, without a call in mind. */
function isQuiet(name: string | number): boolean {
  switch (name) {
    case "then":
    case "toJSON":
    case "constructor":
    case "toString":
    case "valueOf":
      return true;
    default:
      return false;
  }
}

/** A function of the guest whose calls the host answers; `path` is how the model writes it. */
function hostFunction(path: string, name: string, call: HostFunctions["call"]): unknown {
  // One promise and no async function: of each there are thousands. Not a rest parameter: that makes a list at each call.
  const run = (argument?: unknown, second?: unknown): Promise<unknown> =>
    new PromiseType((resolve, reject) => {
      // Taken now: after the wait the stack holds nothing of the model's code.
      const site = new ErrorType("");
      if (second !== undefined) {
        throw hinted(new TypeErrorType(`${path} takes one argument, an object`), {
          hint: `put the values into one object: ${path}({ ... })`,
        });
      }
      waiting[call(name, argumentText(path, argument))] = (text) => {
        const { ok, value, error } = parse(text) as Reply;
        if (ok) resolve(value);
        else
          reject(
            hinted(new ErrorType(StringType(error?.message)), { ...error, stack: site.stack }),
          );
      };
    });
  defineProperty(run, "name", { value: name, configurable: true });
  return freeze(run);
}

interface Reply {
  readonly ok: boolean;
  readonly value?: unknown;
  readonly error?: Table;
}

/** What settles the calls that wait, by their number. */
const waiting = create(null) as Record<number, ((text: string) => void) | undefined>;

/** Hands over the answer of a call. */
export function settle(call: number, text: string): void {
  const resolve = waiting[call];
  delete waiting[call];
  resolve?.(text);
}

function argumentText(path: string, argument: unknown): string {
  let text: string | undefined;
  try {
    text = plainText(argument);
  } catch (error) {
    const reason =
      error instanceof TypeErrorType ? StringType(error.message) : "it cannot be written as JSON";
    throw hinted(new TypeErrorType(`the argument of ${path} cannot be sent: ${reason}`), {
      hint: "pass plain data: an object of text, numbers, lists and objects",
    });
  }
  if (text === undefined) return "";
  if (text.length <= ARGUMENT_CHARS_MAX) return text;
  throw hinted(
    new RangeErrorType(
      `the argument of ${path} has ${text.length} characters; at most ${ARGUMENT_CHARS_MAX} can be sent`,
    ),
    {
      hint: "send less, or send it in parts",
    },
  );
}

function hinted(error: Error, fields: Record<string, unknown>): Error {
  for (const name of ["name", "code", "hint", "stack"]) {
    const value = fields[name];
    if (typeof value === "string")
      defineProperty(error, name, { value, writable: true, enumerable: false, configurable: true });
  }
  return error;
}

const PREFIXES: Record<string, string> = {
  log: "",
  info: "",
  debug: "",
  table: "",
  dir: "",
  warn: "warning: ",
  error: "error: ",
  trace: "",
};

function consoleOf(log: HostFunctions["log"]): object {
  const console = {} as Table;
  for (const name of Object.keys(PREFIXES)) {
    console[name] = freeze((...values: unknown[]) => {
      let line = PREFIXES[name] ?? "";
      for (let index = 0; index < values.length && line.length <= LINE_CHARS_MAX; index += 1) {
        line += (index === 0 ? "" : " ") + shown(values[index]);
      }
      log(capped(line, LINE_CHARS_MAX));
    });
  }
  return freeze(console);
}

/** A value as a line of the console shows it. */
function shown(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    if (value instanceof ErrorType)
      return `${StringType(value.name)}: ${StringType(value.message)}`;
    return plainText(value) ?? StringType(value);
  } catch {
    return typeof value === "function" ? "[function]" : "[not serialisable]";
  }
}

let completed: unknown;
let ended: HostFunctions["ended"];

/** Resolves when the code has finished and its value is known. `box` resolves to an object that holds the value. */
export async function watch(box: Promise<{ value: unknown }>): Promise<void> {
  try {
    const { value } = await box;
    // A returned promise is awaited; another thenable is data.
    completed = value instanceof PromiseType ? { value: await value } : { value };
  } finally {
    ended();
  }
}

/** `=` and the JSON of the value of the code that has finished; empty when that is too long, undefined when there is no value. */
export function resultText(charsMax: number): string | undefined {
  const { value } = completed as { value: unknown };
  completed = undefined;
  const text = plainText(value);
  if (text === undefined) return undefined;
  return text.length > charsMax ? "" : `=${text}`;
}

/** What the host may know of something thrown, as JSON: texts only, capped. */
export function describe(thrown: unknown): string {
  const fields = {
    __proto__: null,
    name: "",
    message: "",
    stack: "",
    hint: "",
    code: "",
  } as unknown as Record<string, string>;
  try {
    if (typeof thrown === "object" && thrown !== null) {
      for (const name in fields)
        fields[name] = capped(
          textOf((thrown as Table)[name]),
          name === "stack" ? STACK_CHARS_MAX : FIELD_CHARS_MAX,
        );
    }
    if (!(thrown instanceof ErrorType) && fields.message === "")
      fields.message = capped(`thrown: ${shown(thrown)}`, FIELD_CHARS_MAX);
  } catch {
    fields.message = "thrown: something that cannot be read";
  }
  return ownText(fields);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
