import { codes, type ErrorCode, exitOf } from "../lib/codes.ts";
import { LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { BODY_BYTES_MAX, type Failure } from "./wire.ts";

/** A failure as it is answered, and as it is logged. */
export interface Failed {
  readonly status: number;
  readonly failure: Failure;
  /** What the log gets besides; absent for failures that are the client's own. */
  readonly detail?: { readonly id: string; readonly error: unknown };
}

const statuses: Partial<Record<ErrorCode, number>> = {
  LEG2030: 409,
  LEG2031: 409,
  LEG2032: 503,
  LEG2033: 503,
  LEG6001: 500,
  LEG6002: 500,
  LEG6003: 503,
  LEG6004: 503,
  LEG6005: 500,
  LEG6006: 500,
  LEG6023: 410,
  LEG6025: 413,
  LEG6030: 404,
  LEG6031: 409,
  LEG6032: 404,
  LEG6035: 413,
  LEG6040: 413,
  LEG6042: 503,
  LEG6056: 504,
  LEG7300: 409,
  LEG7302: 409,
  LEG8004: 503,
  LEG8005: 503,
  LEG8006: 401,
  LEG8007: 403,
  LEG8008: 403,
  LEG8009: 403,
  LEG8010: 404,
  LEG8011: 405,
  LEG8012: 415,
  LEG8013: 413,
  LEG8014: 400,
  LEG8015: 404,
  LEG8016: 408,
  LEG8017: 400,
};

/** By the first digit of the code, for codes without a row. */
const rest: Readonly<Record<string, number>> = {
  "1": 422,
  "2": 409,
  "3": 422,
  "4": 422,
  "5": 422,
  "6": 422,
  "7": 400,
};

/** The HTTP status that a code is answered with. */
export function statusOf(code: ErrorCode): number {
  if (statuses[code] !== undefined) return statuses[code];
  return exitOf(code) === 3 ? 409 : (rest[code.charAt(3)] ?? 500);
}

/** How anything that was thrown is answered. An internal error tells what its code means and an id: its text may hold paths or secrets, and goes to the log. */
export function failedOf(thrown: unknown): Failed {
  const error = ofFramework(thrown);
  const code = error instanceof LegionError ? error.code : "LEG9001";
  const status = statusOf(code);
  if (error instanceof LegionError && status !== 500)
    return { status, failure: { error: error.toJSON() } };
  const id = newId();
  const hint = `look for ${id} in the log of the daemon`;
  return {
    status,
    failure: { error: { code, message: codes[code].title, hint }, id },
    detail: { id, error },
  };
}

/** What the HTTP framework throws, in our words. */
function ofFramework(thrown: unknown): unknown {
  if (thrown instanceof LegionError || !(thrown instanceof Error)) return thrown;
  const { code, statusCode } = thrown as { code?: string; statusCode?: number };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return tooLarge();
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return notJson();
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return thrown;
  return new LegionError({
    code: "LEG8014",
    message: "the request cannot be read",
    hint: "send JSON, and a Content-Length that is true",
  });
}

export function tooLarge(): LegionError {
  return new LegionError({
    code: "LEG8013",
    message: `the body takes more than ${BODY_BYTES_MAX} bytes`,
    hint: "send large sets in parts: POST /v1/applies",
  });
}

export function notJson(): LegionError {
  return new LegionError({
    code: "LEG8012",
    message: "the content type is not application/json",
    hint: "send JSON with the header Content-Type: application/json",
  });
}

/** LEG8004, for whatever comes or still waits while the daemon goes. */
export function closing(): LegionError {
  return new LegionError({
    code: "LEG8004",
    message: "the daemon is shutting down",
    hint: "wait until it has ended, and start it again with `legion up`",
  });
}
