import type { ErrorData } from "../lib/errors.ts";
import type { Json, JsonObject, JsonSchema } from "../lib/json.ts";

/** One function of a tool, as the model, the validator and the prompt see it. */
export interface FunctionSpec {
  readonly description: string;
  /** Schema of the one object argument. */
  readonly parameters: JsonSchema;
  /** Schema of the result; shown to the model, and checked where it is given. */
  readonly returns?: JsonSchema;
  /** Valid arguments, shown when a call was not. */
  readonly example?: JsonObject;
  /** May be called again with the same idempotency key when nobody knows whether it was done. */
  readonly idempotent?: boolean;
  /** The function of the same tool that undoes this one, called with {args, result}. */
  readonly revert?: string;
  /** A person has to approve each call. */
  readonly approval?: boolean;
  /** Its time is that of people or of other agents: neither the deadline of the tool nor that of the evaluation runs meanwhile. */
  readonly waits?: boolean;
}

/** Whether only an agent may call it, since a person is asked. */
export function needsPerson(spec: FunctionSpec | undefined): boolean {
  return spec?.approval === true || spec?.waits === true;
}

/** What a tool's code gets besides its arguments. */
export interface ToolContext {
  /** Tool config with the agent's own laid over it. */
  readonly config: JsonObject;
  /** Who calls. */
  readonly agent: string;
  readonly run: string;
  /** The same for every attempt of one call, and for no other call: what a service uses to do it once. */
  readonly idempotencyKey: string;
  /** Data to authorise by, for tools only: it reaches no model, no prompt, no log and no journal. */
  readonly vault: JsonObject;
  /** Aborted at the call's timeout and when the evaluation ends. */
  readonly signal: AbortSignal;
  /** Who hears of the calls that the tool itself makes to others. */
  readonly onCall?: OnCall;
  /** The value of the code ends the turn: what a person answered to it would be lost. */
  readonly isCompleting?: boolean;
}

/** A tool that is ready to be called. `call` may throw: a LegionError reaches the model whole, anything else as its message only. */
export interface Tool {
  /** The Tool object's name. */
  readonly name: string;
  readonly description: string;
  readonly functions: Readonly<Record<string, FunctionSpec>>;
  readonly limits: {
    readonly timeoutMs: number;
    readonly maxArgumentBytes: number;
    readonly maxResultBytes: number;
  };
  call(name: string, args: JsonObject, context: ToolContext): Promise<Json | undefined>;
  close?(): Promise<void>;
}

/** The tools of one agent, under the names its code uses. */
export interface Toolbox {
  /** Sorted by name: the order of the prompt. */
  readonly tools: readonly ToolBinding[];
  /** `name` is `tool.function` as the code says it. It never throws. */
  call(name: string, argument: Json | undefined, caller: ToolCaller): Promise<ToolReply>;
  close(): Promise<void>;
}

export interface ToolBinding {
  /** The name in code: tools.<as>. */
  readonly as: string;
  readonly tool: Tool;
  /** The functions that this agent may call, sorted. */
  readonly functions: readonly string[];
  readonly config: JsonObject;
  /** Trusted JavaScript that is run at the boot of the agent's sandbox, for what cannot be a call: functions that take functions. */
  readonly prelude?: string;
}

export interface ToolCaller {
  readonly agent: string;
  readonly run: string;
  /** Made up where it is left out. */
  readonly idempotencyKey?: string;
  readonly vault?: JsonObject;
  readonly signal: AbortSignal;
  /** Called when a call starts and stops; for events. */
  readonly onCall?: OnCall;
  readonly isCompleting?: boolean;
}

/** A question to people, as a tool asks it. */
export interface PeopleRequest {
  readonly question: string;
  readonly choices?: readonly string[];
  readonly schema?: JsonObject;
  readonly timeoutMs: number;
  readonly agent: string;
  readonly run: string;
  /** Of the call: the same one asks once, also after a restart. */
  readonly key: string;
  readonly config: JsonObject;
  readonly signal: AbortSignal;
}

/** Waits for people. Throws a LegionError (LEG206x) when nobody answers in time. */
export type AskPeople = (request: PeopleRequest) => Promise<Json>;

/** Hears of the start of a call, and gives back what hears of its end. */
export type OnCall = (call: {
  readonly tool: string;
  readonly function: string;
}) => (end: { readonly ok: boolean; readonly error?: ErrorData }) => void;

export type ToolReply =
  | { readonly ok: true; readonly value: Json | undefined }
  | { readonly ok: false; readonly error: ErrorData };
