import { LegionError } from "../lib/errors.ts";
import { isObject, type JsonSchema, pointerOf } from "../lib/json.ts";
import { compileSchema } from "../lib/schema.ts";
import type { SchemaIssue } from "../lib/schema-issues.ts";
import { suggest } from "../lib/suggest.ts";
import type { RouteRequest } from "./route.ts";

/** How deep JSON of a request may nest: what objects may, and the frame around them. */
const DEPTH_MAX = 120;
const ISSUES_TOLD = 5;

/** The query in the types that the schemas say. LEG8014 for what is unknown, twice there, or of another form. */
export async function queryOf(
  given: unknown,
  schemas: Readonly<Record<string, JsonSchema>>,
): Promise<RouteRequest["query"]> {
  const names = Object.keys(schemas);
  const query: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(isObject(given) ? given : {})) {
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (schema === undefined) throw unknown(name, names);
    if (typeof value !== "string") throw invalid(`the query has "${name}" more than once`);
    const typed = typedValue(value, schema);
    const [issue] = (await compileSchema(schema, { isOwn: true }))(typed);
    if (issue !== undefined) throw invalid(`query parameter "${name}": ${issue.message}`, issue);
    query[name] = typed;
  }
  return query;
}

/** Refuses a body that does not meet the schema. */
export async function checkBody(body: unknown, schema: JsonSchema): Promise<void> {
  if (depthExceeds(body, DEPTH_MAX))
    throw invalid(`the body nests deeper than ${DEPTH_MAX} levels`);
  const issues = (await compileSchema(schema, { isOwn: true }))(body);
  const [first] = issues;
  if (first === undefined) return;
  const told = issues
    .slice(0, ISSUES_TOLD)
    .map((issue) => `${pointerOf(issue.path) || "the body"}: ${claimOf(issue)}`);
  throw invalid(told.join("; "), first);
}

/** What is wrong; of what may be secret without the value. */
function claimOf({ path, message, claim }: SchemaIssue): string {
  return path[0] === "vault" ? (claim ?? "does not have the right form") : message;
}

/** LEG8014. */
export function invalid(message: string, issue?: SchemaIssue): LegionError {
  return new LegionError({
    code: "LEG8014",
    message,
    hint: issue?.hint || "GET /v1/openapi.json has the schemas",
    ...(issue?.valid && { valid: issue.valid }),
  });
}

function unknown(name: string, valid: readonly string[]): LegionError {
  const near = suggest(name, valid);
  const list = valid.length === 0 ? "this route takes none" : `allowed: ${valid.join(", ")}`;
  return new LegionError({
    code: "LEG8014",
    message: `unknown query parameter "${name}"`,
    hint: near === undefined ? list : `did you mean "${near}"?`,
    valid,
  });
}

function typedValue(value: string, { type }: JsonSchema): string | number | boolean {
  if (type === "integer" && /^\d{1,15}$/.test(value)) return Number(value);
  if (type === "boolean" && (value === "true" || value === "")) return true;
  if (type === "boolean" && value === "false") return false;
  return value;
}

/** Level by level, because a recursion of this depth could be the attack. */
function depthExceeds(value: unknown, max: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > max) return true;
    level = level.flatMap((item) =>
      typeof item === "object" && item !== null ? Object.values(item) : [],
    );
  }
  return false;
}
