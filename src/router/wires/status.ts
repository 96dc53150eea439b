import { STATUS_CODES } from "node:http";
import type { WireError } from "../contract.ts";
import { type FailureName, failure } from "../failures.ts";

/** What a provider says when it fails. */
export interface Refusal {
  readonly provider: string;
  readonly model: string;
  /** HTTP status; 0 when the error stood in a response of status 200 and named none. */
  readonly status: number;
  /** `error.code` and `error.type` of the body, together. */
  readonly kind?: string;
  /** The provider's own words, shortened and without secrets. */
  readonly message: string;
  readonly retryAfterMs?: number;
}

const kindsByStatus: Readonly<Record<number, FailureName>> = {
  401: "unauthorised",
  402: "billing",
  403: "unauthorised",
  404: "modelMissing",
  408: "overloaded",
  409: "overloaded",
  413: "contextOverflow",
  425: "overloaded",
  429: "rateLimited",
  503: "overloaded",
  529: "overloaded",
};

/** Codes and types of errors that say more than the status; the first row that matches counts. */
const kindsByCode: readonly (readonly [RegExp, FailureName])[] = [
  [/insufficient_quota|billing|insufficient_balance/i, "billing"],
  [/context_length_exceeded|string_above_max_length/i, "contextOverflow"],
  [/tool_use_failed|json_validate_failed/i, "outputRejected"],
  [/content_filter|content_policy|moderation/i, "refused"],
  [/model_not_found|model_not_available/i, "modelMissing"],
];

/** The same in the words of servers that give no code. */
const kindsByMessage: readonly (readonly [RegExp, FailureName])[] = [
  [/credit balance is too low/i, "billing"],
  [
    /context length|context window|context size|maximum context|too many tokens|prompt is too long/i,
    "contextOverflow",
  ],
  [/content management policy/i, "refused"],
  [/no such model|model .{0,120} (does not exist|not found)/i, "modelMissing"],
];

/** Codes of errors without a status: those that come in the middle of a stream or under HTTP 200. */
const kindsWithoutStatus: readonly (readonly [RegExp, FailureName])[] = [
  [/rate_limit|too_many_requests/i, "rateLimited"],
  [/overloaded|unavailable/i, "overloaded"],
  [/authentication|invalid_api_key|permission/i, "unauthorised"],
  [/invalid_request/i, "invalidRequest"],
];

/** The failure behind an HTTP status and what the provider says with it. */
export function statusFailure(refusal: Refusal): WireError {
  const { provider, model, status, message, retryAfterMs } = refusal;
  const said = message === "" ? "" : `: ${message.replace(/\.$/, "")}`;
  const answered =
    status === 0
      ? "reported an error"
      : `answered ${status}${STATUS_CODES[status] === undefined ? "" : ` ${STATUS_CODES[status]}`}`;
  return failure(kindOf(refusal), `${provider} ${answered} for model ${model}${said}`, {
    ...(status !== 0 && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function kindOf({ status, kind = "", message }: Refusal): FailureName {
  const byCode = status === 401 || status >= 500 ? undefined : found(kindsByCode, kind);
  if (byCode !== undefined) return byCode;
  // Other statuses are clear, and their messages mention billing pages and token limits in passing.
  const byMessage = [0, 400, 404, 413, 422].includes(status)
    ? found(kindsByMessage, message)
    : undefined;
  if (byMessage !== undefined) return byMessage;
  if (status === 0) return found(kindsWithoutStatus, kind) ?? "serverError";
  return kindsByStatus[status] ?? (status >= 500 ? "serverError" : "invalidRequest");
}

function found(
  rows: readonly (readonly [RegExp, FailureName])[],
  text: string,
): FailureName | undefined {
  return rows.find(([pattern]) => pattern.test(text))?.[1];
}
