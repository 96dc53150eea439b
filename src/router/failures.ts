import type { ErrorCode } from "../lib/codes.ts";
import type { LegionError } from "../lib/errors.ts";
import type { Outcome, WireError } from "./contract.ts";

interface FailureKind {
  readonly outcome: Outcome;
  readonly code: ErrorCode;
  readonly hint: string;
}

/** Every way in which asking a provider fails: what the router makes of it, and the next step for the reader. */
export const failureKinds = {
  nameNotFound: {
    outcome: "connection",
    code: "LEG5010",
    hint: "check the host in baseUrl, and the network",
  },
  notReachable: {
    outcome: "connection",
    code: "LEG5011",
    hint: "start the server, or correct host and port in baseUrl",
  },
  portRefused: {
    outcome: "connection",
    code: "LEG5017",
    hint: "choose another port: let the server listen on it, and write it in baseUrl",
  },
  tls: {
    outcome: "connection",
    code: "LEG5012",
    hint: "use http:// for a server without TLS, or trust its authority with NODE_EXTRA_CA_CERTS",
  },
  connectionLost: { outcome: "connection", code: "LEG5013", hint: "try again" },
  noResponse: {
    outcome: "timeout",
    code: "LEG5014",
    hint: "raise timeouts.firstByte of the provider",
  },
  stalled: { outcome: "timeout", code: "LEG5015", hint: "raise timeouts.idle of the provider" },
  tooSlow: { outcome: "timeout", code: "LEG5016", hint: "raise timeouts.total of the provider" },
  tierTooSlow: {
    outcome: "timeout",
    code: "LEG5016",
    hint: "raise the timeout of the tier in the router",
  },
  notAnAnswer: {
    outcome: "malformed",
    code: "LEG5020",
    hint: "check that baseUrl and chatPath lead to an OpenAI-compatible endpoint",
  },
  tooLarge: {
    outcome: "malformed",
    code: "LEG5021",
    hint: "raise maxResponseBytes of the provider",
  },
  redirected: {
    outcome: "malformed",
    code: "LEG5022",
    hint: "write the address that it points to as baseUrl, if you trust it",
  },
  unauthorised: {
    outcome: "unauthorised",
    code: "LEG5030",
    hint: "check the key that apiKey refers to, and its rights",
  },
  billing: {
    outcome: "billing",
    code: "LEG5031",
    hint: "add credit at the provider, or use another one",
  },
  modelMissing: {
    outcome: "model_missing",
    code: "LEG5032",
    hint: "check the model's name, baseUrl and chatPath",
  },
  rateLimited: {
    outcome: "rate_limited",
    code: "LEG5033",
    hint: "wait, or add another target to the router",
  },
  overloaded: {
    outcome: "overloaded",
    code: "LEG5034",
    hint: "try again later, or add another target to the router",
  },
  serverError: {
    outcome: "server_error",
    code: "LEG5035",
    hint: "try again later, or add another target to the router",
  },
  invalidRequest: {
    outcome: "invalid_request",
    code: "LEG5036",
    hint: "read what the provider says; often the model lacks an option that the request asks for",
  },
  contextOverflow: {
    outcome: "context_overflow",
    code: "LEG5037",
    hint: "use a model with a larger context window, or shorten the conversation",
  },
  refused: { outcome: "refused", code: "LEG5038", hint: "change the task" },
  outputRejected: {
    outcome: "malformed",
    code: "LEG5039",
    hint: "try again, or set structuredOutput: prompt",
  },
  aborted: { outcome: "aborted", code: "LEG5040", hint: "run it again" },
  outOfReplies: {
    outcome: "invalid_request",
    code: "LEG5060",
    hint: "add a reply to the provider, or one with when that matches",
  },
} as const satisfies Record<string, FailureKind>;

export type FailureName = keyof typeof failureKinds;

/** The failure of that kind; `message` is one sentence that names the provider. */
export function failure(
  kind: FailureName,
  message: string,
  more: Pick<WireError, "status" | "retryAfterMs"> = {},
): WireError {
  const { outcome, code, hint } = failureKinds[kind];
  return { outcome, code, message, hint, ...more };
}

/** An error that Legion itself found before it asked (a missing key, an unknown model) as the failure of a target. */
export function failureOf(error: LegionError, outcome: Outcome): WireError {
  return { outcome, code: error.code, message: error.message, hint: error.hint };
}

/** Thrown inside a wire and turned into its `error` event at the one place that catches. */
export class WireFailure extends Error {
  override readonly name = "WireFailure";
  readonly error: WireError;

  constructor(error: WireError) {
    super(error.message);
    this.error = error;
  }
}
