import type { ValidateFunction } from "ajv";
import type { ErrorCode } from "../lib/codes.ts";
import { isObject, type Json, type JsonPath } from "../lib/json.ts";
import { describe, issuesOf, type SchemaIssue, valueAt } from "../lib/schema-issues.ts";
import { suggest } from "../lib/suggest.ts";
import { fieldPaths } from "./fields.ts";
import { schemas } from "./generated/schemas.ts";
import {
  Agent,
  Cron,
  Overlay,
  Provider,
  Replies,
  Router,
  Source,
  Tool,
  Watcher,
} from "./generated/validators.ts";
import { isKind, kindNames, kinds } from "./kinds.ts";
import type { Kind } from "./objects.ts";
import { namesIn } from "./variables.ts";

const validators: Readonly<Record<Kind, ValidateFunction>> = {
  Source,
  Agent,
  Tool,
  Provider,
  Router,
  Watcher,
  Cron,
};

/** Something in a value that its schema does not allow, in words for people. */
export interface ValueFault {
  readonly code: ErrorCode;
  readonly summary: string;
  readonly detail: string;
  readonly path: JsonPath;
  readonly part: "key" | "value";
}

/**
 * What is wrong with a document. `written` is the value before variables were replaced: messages quote that, so that no
 * secret of the environment gets into one. What comes from a variable (`used`) is not quoted at all, as the name of the
 * variable looks right where its value is not.
 */
export function validateDocument(
  value: Json,
  written: Json,
  used: Variables = new Map(),
): readonly ValueFault[] {
  if (!isObject(value)) {
    const summary = `a manifest is a map, but this is ${describe(value)}`;
    return [
      {
        code: "LEG1014",
        summary,
        detail: "begin it with apiVersion, kind, metadata and spec",
        path: [],
        part: "value",
      },
    ];
  }
  if (isSomethingElse(value)) {
    const summary = "this is not a manifest: it has neither apiVersion nor kind, metadata or spec";
    const detail = Array.isArray(value.cases)
      ? "these are cases of a watcher: legion watch test NAME -f FILE runs them"
      : "name a file with manifests, or write it as one: legion init shows how";
    return [{ code: "LEG1014", summary, detail, path: [], part: "value" }];
  }
  if (!isKind(value.kind)) {
    const kind = isObject(written) ? written.kind : value.kind;
    return kind === "Overlay" ? [kindFault(kind)] : [kindFault(kind), ...unknownAtTop(value)];
  }
  const kind = value.kind;
  return check(validators[kind], value, written).map((issue) =>
    toFault(withoutValue(issue, written, used), kind, written),
  );
}

/** What is wrong with the list of replies in a repliesFrom file. */
export function validateReplies(value: Json): readonly ValueFault[] {
  return check(Replies, value, value).map((issue) => toFault(issue, undefined, value));
}

/** What is wrong with an overlay. */
export function validateOverlay(value: Json): readonly ValueFault[] {
  return check(Overlay, value, value).map((issue) => toFault(issue, "Overlay", value));
}

type Variables = ReadonlyMap<string, string>;

/** An issue of a value that variables brought: it names them in place of the value. */
function withoutValue(issue: SchemaIssue, written: Json, used: Variables): SchemaIssue {
  const { claim, kind, path } = issue;
  const text = used.size === 0 || claim === undefined ? undefined : valueAt(written, path);
  const names = typeof text === "string" ? namesIn(text).filter((name) => used.has(name)) : [];
  if (names.length === 0) return issue;
  const source = `${names.length === 1 ? "variable" : "variables"} ${names.join(" and ")}`;
  const hint =
    kind === "type"
      ? `${issue.hint} in the manifest: a variable always gives a string`
      : issue.hint;
  return { ...issue, message: `${claim} (its value comes from ${source})`, hint };
}

function check(
  validate: ValidateFunction,
  value: unknown,
  written: unknown,
): readonly SchemaIssue[] {
  return validate(value) ? [] : issuesOf(validate.errors ?? [], written);
}

function kindFault(kind: unknown): ValueFault {
  const list = kindNames.join(", ");
  if (kind === "Overlay") {
    const detail = "move it into a file legion.yaml in a folder of its own, and name that folder";
    const summary = "an Overlay stands only in a file legion.yaml, as its only document";
    return { code: "LEG1108", summary, detail, path: ["kind"], part: "value" };
  }
  if (kind === undefined) {
    return {
      code: "LEG1008",
      summary: 'the manifest lacks the required field "kind"',
      detail: `add "kind", one of: ${list}`,
      path: [],
      part: "key",
    };
  }
  const near = typeof kind === "string" ? suggest(kind, kindNames) : undefined;
  const hint = near === undefined ? "" : `did you mean "${near}"?\n`;
  const summary =
    typeof kind === "string"
      ? `unknown kind "${kind}"`
      : `kind must be a string, but is ${describe(kind)}`;
  return {
    code: "LEG1012",
    summary,
    detail: `${hint}allowed: ${list}`,
    path: ["kind"],
    part: "value",
  };
}

/** The fields that every kind has at its top. */
const topFields = Object.keys(schemas.Agent.properties ?? {});

/** Not one field at the top is that of a manifest. */
function isSomethingElse(value: object): boolean {
  const fields = Object.keys(value);
  return fields.length > 0 && !fields.some((field) => topFields.includes(field));
}

/** Without a kind, only the fields that every kind has at its top are known. */
function unknownAtTop(value: object): ValueFault[] {
  return Object.keys(value)
    .filter((field) => !topFields.includes(field))
    .slice(0, UNKNOWN_MAX)
    .map((field) => ({
      code: "LEG1007",
      summary: `unknown field "${field}"`,
      detail: unknownHint(
        { path: [field], kind: "unknown", message: "", hint: "", field, valid: topFields },
        undefined,
      ),
      path: [field],
      part: "key",
    }));
}

/** How many unknown fields of one document are reported; more say nothing new. */
const UNKNOWN_MAX = 20;

const codeOf = {
  unknown: "LEG1007",
  missing: "LEG1008",
  type: "LEG1009",
  value: "LEG1010",
  forbidden: "LEG1011",
} as const satisfies Record<SchemaIssue["kind"], ErrorCode>;

function toFault(issue: SchemaIssue, kind: Kind | "Overlay" | undefined, root: Json): ValueFault {
  const { path, field = "" } = issue;
  const base = {
    code: path[0] === "apiVersion" ? "LEG1013" : codeOf[issue.kind],
    path,
    part: "value",
    detail: issue.hint.replace('"? allowed', '"?\nallowed'),
  } as const;
  switch (issue.kind) {
    case "unknown":
      return {
        ...base,
        part: "key",
        summary: `unknown field "${field}" in ${placeOf(kind, path.slice(0, -1))}`,
        detail: unknownHint(issue, kind),
      };
    case "missing":
      return { ...base, part: "key", summary: `${placeOf(kind, path)} ${issue.message}` };
    case "forbidden":
      return { ...base, part: "key", summary: forbidden(field, kind, root) };
    default:
      return {
        ...base,
        part: field === "" ? "value" : "key",
        summary: `${placeOf(kind, path)} ${issue.message}`,
      };
  }
}

/** A place in words: `Agent spec.sandbox`, `Router spec.tiers[0].targets`. */
export function placeOf(kind: string | undefined, path: JsonPath): string {
  const steps = path
    .map((step, index) =>
      typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`,
    )
    .join("");
  if (kind === undefined) return steps === "" ? "the list of replies" : `reply ${steps}`;
  return steps === "" ? kind : `${kind} ${steps}`;
}

/** The near name, or where else a field of that name belongs, and the names that are allowed. */
function unknownHint(
  { field = "", path, valid = [] }: SchemaIssue,
  kind: string | undefined,
): string {
  const near = suggest(field, valid);
  const elsewhere =
    near === undefined && isKind(kind)
      ? fieldPaths(kind, field).filter((place) => place !== path.join("."))
      : [];
  const hints = [
    near !== undefined && `did you mean "${near}"?`,
    elsewhere[0] !== undefined && `"${field}" belongs at ${elsewhere[0]}`,
    valid.length > 0 && `allowed: ${valid.join(", ")}`,
  ];
  return hints.filter((hint) => hint !== false).join("\n");
}

/** Fields that are not allowed beside another one, by kind. */
const alternatives: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Agent: { instructionsFrom: "instructions" },
  Cron: { arguments: "agent", conversation: "tool", task: "tool" },
};

function forbidden(field: string, kind: string | undefined, root: Json): string {
  const other = alternatives[kind ?? ""]?.[field];
  if (other !== undefined) return `${kind} spec takes only one of: ${other} or ${field}`;
  const selector = isKind(kind) ? kinds[kind].selector : undefined;
  const spec = isObject(root) && isObject(root.spec) ? root.spec : {};
  if (selector === undefined) return `field "${field}" is not allowed here`;
  return `field "${field}" does not go with ${selector} ${String(spec[selector])}`;
}
