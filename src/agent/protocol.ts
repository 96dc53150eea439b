import type { ErrorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import { describe } from "../lib/schema-issues.ts";
import { suggest } from "../lib/suggest.ts";
import { byteLength } from "../lib/text.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { StepFailure } from "./failure.ts";
import { findObject } from "./reply-json.ts";

export type ActionType = AgentSpec["actionTypes"][number];

/** What the model chose to do, checked. */
export type Action =
  | { readonly type: "eval_and_continue" | "eval_and_complete"; readonly code: string }
  | { readonly type: "return"; readonly result: Json }
  | { readonly type: "done" };

export type Reply =
  /** `json`: the object as the model wrote it, without what stood around it. */
  | { readonly ok: true; readonly action: Action; readonly json: string }
  | { readonly ok: false; readonly failure: StepFailure };

/** The longest reply that is read, bytes. */
export const REPLY_BYTES_MAX = 2 * 2 ** 20;

const exampleReply = '{"action":"eval_and_continue","code":"1 + 1","result":""}';

/** What a reply means, or what is wrong with it in words for the model. Never throws. */
export function parseReply(text: string, allowed: readonly ActionType[]): Reply {
  if (text.trim() === "") return refused(notAnAction("the reply is empty"));
  if (byteLength(text) > REPLY_BYTES_MAX) {
    return refused(notAnAction(`the reply is longer than ${REPLY_BYTES_MAX} bytes`));
  }
  const found = findObject(text);
  if (!found.ok) return refused(notAnAction(`the reply cannot be used: ${found.problem}`));
  const { action, code, result } = found.object;
  const type = allowed.find((name) => name === action);
  if (type === undefined) return refused(actionNotAllowed(action, allowed));
  const checked = actionOf(type, code, result as Json | undefined);
  if ("error" in checked) return refused(checked.error);
  return { ok: true, action: checked, json: JSON.stringify(found.object) };
}

/** The failure of a reply that stopped at the model's limit of output tokens. */
export function replyCutOff(): StepFailure {
  return {
    stage: "reply",
    error: {
      code: "LEG2046",
      message: "the reply was cut off at the limit of output tokens",
      hint: "write less in one step: do part of the work with eval_and_continue, and keep data in variables instead of in the reply",
    },
  };
}

function actionOf(
  type: ActionType,
  code: unknown,
  result: Json | undefined,
): Action | { error: ErrorData } {
  if (type === "done") return { type };
  if (type === "return") {
    return result === undefined ? { error: noResult } : { type, result };
  }
  if (code !== undefined && typeof code !== "string") {
    return { error: noCode(type, `code must be a string, but is ${describe(code)}`) };
  }
  if (code === undefined || code.trim() === "") {
    return { error: noCode(type, `the action ${type} needs code, and code is empty`) };
  }
  return { type, code };
}

function refused(error: ErrorData): Reply {
  return { ok: false, failure: { stage: "reply", error } };
}

function notAnAction(message: string): ErrorData {
  return {
    code: "LEG2040",
    message,
    hint: "reply with one JSON object and nothing else: action, code and result",
    example: exampleReply,
  };
}

function actionNotAllowed(action: unknown, allowed: readonly ActionType[]): ErrorData {
  const list = allowed.join(", ");
  if (action === undefined) {
    return {
      code: "LEG2040",
      message: "the reply has no action",
      hint: `put one of these into the field action: ${list}`,
      valid: allowed,
    };
  }
  const name = shortened(typeof action === "string" ? action : JSON.stringify(action));
  const near = suggest(name, allowed);
  return {
    code: "LEG2041",
    message: `Action ${name} is not allowed here. Allowed: ${list}`,
    hint: near === undefined ? "choose one of the allowed actions" : `did you mean "${near}"?`,
    valid: allowed,
  };
}

const noResult: ErrorData = {
  code: "LEG2043",
  message: "the action return needs a result, and there is none",
  hint: "put the answer into the field result",
};

function noCode(type: ActionType, message: string): ErrorData {
  return {
    code: "LEG2042",
    message,
    hint: "put the JavaScript to run into the field code",
    example: JSON.stringify({ action: type, code: "1 + 1", result: "" }),
  };
}

function shortened(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}
