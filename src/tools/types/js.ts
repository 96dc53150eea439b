import { type ErrorData, LegionError } from "../../lib/errors.ts";
import type { Json, JsonObject } from "../../lib/json.ts";
import { lazily } from "../../lib/lazily.ts";
import { suggest } from "../../lib/suggest.ts";
import type { Evaluation, Host, Sandbox, SandboxLimits, Snapshot } from "../../sandbox/contract.ts";
import type { Redact } from "../call/redact.ts";
import { callTool } from "../call.ts";
import type { ToolBinding, ToolContext } from "../contract.ts";
import { hostError } from "../host-error.ts";
import type { ToolBody, ToolParts } from "../registry.ts";
import { declaredFunctions } from "./declared.ts";
import { readToolFile } from "./tool-file.ts";
import { queue } from "./turns.ts";

const MEMORY_BYTES_MAX = 64 * 2 ** 20;
const TOOL_CALLS_MAX = 1_000;
const LOG_BYTES_MAX = 64 * 1024;
const BINDINGS_BYTES_MAX = 16 * 2 ** 20;

/**
 * A tool of type js: JavaScript in a sandbox of its own, whose top-level functions are the tool's, called as name(args, { config, idempotencyKey }).
 * It sees nothing but its capabilities, as tools.*. The source runs once; each call begins with what it left, so calls do not
 * see each other. Nothing is opened before the first call.
 */
export async function jsTool(parts: ToolParts): Promise<ToolBody> {
  const { object, limits, deps } = parts;
  const file = object.spec.sourceFrom?.file;
  const source =
    file === undefined ? (object.spec.source ?? "") : (await readToolFile(object, file)).content;
  const functions = declaredFunctions(object.spec);
  const granted = await capabilities(parts);
  const surface = {
    tools: Object.fromEntries(granted.map(({ as, functions: names }) => [as, names])),
    functions: [],
  };
  const open = async (): Promise<Guest> => {
    const sandbox = await (await deps.pool()).open(
      sandboxLimits(limits.timeoutMs, limits.maxResultBytes),
      surface,
    );
    try {
      return {
        sandbox,
        snapshot: await load(sandbox, source, object.name, Object.keys(functions)),
      };
    } catch (error) {
      await sandbox.close();
      throw error;
    }
  };
  const guest = lazily(open);
  const inTurn = queue(object.name);
  return {
    functions,
    call: (name, args, context) =>
      inTurn(async () =>
        callGuest(await guest.get(), name, args, context, hostOf(granted, context, deps.redact)),
      ),
    async close() {
      await (await guest.existing())?.sandbox.close();
      await Promise.allSettled(granted.map(({ tool }) => tool.close?.()));
    },
  };
}

interface Guest {
  readonly sandbox: Sandbox;
  readonly snapshot: Snapshot;
}

/** The bindings behind spec.capabilities: `kv` grants all of a tool, `kv.get` one function; several of one tool add up. */
async function capabilities({ object, inner }: ToolParts): Promise<ToolBinding[]> {
  const wanted = new Map<string, string[] | undefined>();
  for (const capability of object.spec.capabilities ?? []) {
    const [name = "", one] = capability.split(".");
    const earlier = wanted.get(name);
    wanted.set(
      name,
      one === undefined || (wanted.has(name) && earlier === undefined)
        ? undefined
        : [...(earlier ?? []), one],
    );
  }
  return Promise.all(
    [...wanted].map(([name, functions]) =>
      inner(functions === undefined ? { name } : { name, functions }),
    ),
  );
}

function sandboxLimits(timeoutMs: number, maxResultBytes: number): SandboxLimits {
  return {
    timeoutMs,
    memoryBytes: MEMORY_BYTES_MAX,
    maxToolCalls: TOOL_CALLS_MAX,
    maxResultBytes,
    maxLogBytes: LOG_BYTES_MAX,
    maxBindingsBytes: BINDINGS_BYTES_MAX,
    isolation: "shared",
  };
}

/** Runs the top level of the source and looks whether the functions are there. */
async function load(
  sandbox: Sandbox,
  source: string,
  tool: string,
  names: readonly string[],
): Promise<Snapshot> {
  const refused: Host = async (name) => ({
    ok: false,
    error: {
      name: "ToolError",
      message: `${name} cannot be called while the tool is loaded`,
      hint: "call it inside a function",
    },
  });
  const loaded = await sandbox.evaluate(source, { host: refused });
  if (!loaded.ok) {
    const { error } = loaded;
    const where = error.line === undefined ? "" : ` at line ${error.line}`;
    throw new LegionError({
      code: "LEG4016",
      message: `the source of the tool "${tool}" fails${where}: ${error.message}`,
      hint: error.hint,
    });
  }
  const known = loaded.bindings.filter(({ type }) => type === "function").map(({ name }) => name);
  const missing = names.find((name) => !known.includes(name));
  if (missing !== undefined) throw lacks(tool, missing, known);
  return loaded.snapshot;
}

function lacks(tool: string, missing: string, known: readonly string[]): LegionError {
  const near = suggest(missing, known);
  return new LegionError({
    code: "LEG4015",
    message: `the source of the tool "${tool}" has no top-level function "${missing}"`,
    hint:
      near !== undefined
        ? `did you mean "${near}"?`
        : known.length > 0
          ? `it has: ${known.join(", ")}`
          : "write it as `function name(args, { config }) { ... }`",
    valid: known,
    example: `async function ${missing}(args, { config }) { return null; }`,
  });
}

async function callGuest(
  { sandbox, snapshot }: Guest,
  name: string,
  args: JsonObject,
  { config, idempotencyKey, signal }: ToolContext,
  host: Host,
): Promise<Json | undefined> {
  signal.throwIfAborted();
  await sandbox.restore(snapshot);
  // As text within text: an object literal would take a key such as __proto__ for the prototype.
  const literal = (value: Json) => `JSON.parse(${JSON.stringify(JSON.stringify(value))})`;
  const evaluation = await sandbox.evaluate(
    `await ${name}(${literal(args)}, ${literal({ config, idempotencyKey })})`,
    { host, signal },
  );
  if (evaluation.ok) return evaluation.value;
  throw guestError(evaluation);
}

/** The hint of a run-time error is for those who wrote the code; the caller wrote the arguments. */
function guestError({ error }: Extract<Evaluation, { ok: false }>): LegionError {
  const { name, code, message, hint } = error;
  if (name !== "RuntimeError") return new LegionError({ code, message, hint });
  const advice = "change the arguments, or mend the tool";
  return new LegionError({ code: "LEG4008", message: `the tool failed: ${message}`, hint: advice });
}

/** Answers the guest's calls with its capabilities, in the name of the agent that called the tool. Secrets stay out: a guest could respell one. */
function hostOf(
  granted: readonly ToolBinding[],
  { agent, run, onCall, vault, idempotencyKey: outer }: ToolContext,
  redact: Redact | undefined,
): Host {
  return async (name, argument, { call, signal }) => {
    if (needsApproval(granted, name)) return { ok: false, error: hostError(approvalNeeded(name)) };
    // The same call of the same code has the same key.
    const idempotencyKey = `${outer}/${call}`;
    const caller = { agent, run, vault, idempotencyKey, signal, ...(onCall && { onCall }) };
    const reply = await callTool(granted, name, argument, caller, redact);
    return reply.ok ? reply : { ok: false, error: hostError(reply.error) };
  };
}

function needsApproval(granted: readonly ToolBinding[], name: string): boolean {
  const [as = "", called = ""] = name.split(".");
  const binding = granted.find((one) => one.as === as);
  return binding?.tool.functions[called]?.approval === true;
}

function approvalNeeded(name: string): ErrorData {
  return {
    code: "LEG2103",
    message: `${name} needs the approval of a person, and a tool cannot ask for it`,
    hint: "let the agent call it itself",
  };
}
