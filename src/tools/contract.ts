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
}

/** What a tool's code gets besides its arguments. */
export interface ToolContext {
  /** Tool config with the agent's own laid over it. */
  readonly config: JsonObject;
  /** Who calls. */
  readonly agent: string;
  readonly run: string;
  /** Aborted at the call's timeout and when the evaluation ends. */
  readonly signal: AbortSignal;
  /** Who hears of the calls that the tool itself makes to others. */
  readonly onCall?: OnCall;
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
}

export interface ToolCaller {
  readonly agent: string;
  readonly run: string;
  readonly signal: AbortSignal;
  /** Called when a call starts and stops; for events. */
  readonly onCall?: OnCall;
}

/** Hears of the start of a call, and gives back what hears of its end. */
export type OnCall = (call: {
  readonly tool: string;
  readonly function: string;
}) => (end: { readonly ok: boolean; readonly error?: ErrorData }) => void;

export type ToolReply =
  | { readonly ok: true; readonly value: Json | undefined }
  | { readonly ok: false; readonly error: ErrorData };
