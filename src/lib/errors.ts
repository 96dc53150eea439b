import { type ErrorCode, exitOf } from "./codes.ts";

/** What a person, an agent or a program reads of an error. It never holds a secret, a host stack or a host path that the reader may not know. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  /** The next step, one sentence. */
  readonly hint: string;
  /** The valid values, when there are some. */
  readonly valid?: readonly string[];
  /** A call or a line that would have been right. */
  readonly example?: string;
}

/** An error for a reader: a code of the one table, a sentence, the next step. `cause` is for the log only. */
export class LegionError extends Error implements ErrorData {
  override readonly name = "LegionError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly valid?: readonly string[];
  readonly example?: string;

  constructor(data: ErrorData, cause?: unknown) {
    super(data.message, cause === undefined ? undefined : { cause });
    this.code = data.code;
    this.hint = data.hint;
    if (data.valid !== undefined) this.valid = data.valid;
    if (data.example !== undefined) this.example = data.example;
  }

  /** The process exit code that this error ends a command with. */
  get exitCode(): number {
    return exitOf(this.code);
  }

  toJSON(): ErrorData {
    const { code, message, hint, valid, example } = this;
    return {
      code,
      message,
      hint,
      ...(valid && { valid }),
      ...(example !== undefined && { example }),
    };
  }
}

/** The error as data; anything that is not a LegionError becomes LEG9001 with its message only. */
export function errorData(error: unknown): ErrorData {
  if (error instanceof LegionError) return error.toJSON();
  return {
    code: "LEG9001",
    message: `internal error: ${messageOf(error)}`,
    hint: "this is a bug in Legion: report it with the steps that led here",
  };
}

/** The message of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The error for a name that does not exist among `known`. */
export function unknownName(
  code: ErrorCode,
  noun: string,
  name: string,
  known: readonly string[],
  suggestion?: string,
): LegionError {
  const valid = known.toSorted();
  const hint =
    suggestion !== undefined
      ? `did you mean "${suggestion}"?`
      : valid.length > 0
        ? `use one of: ${valid.join(", ")}`
        : `there is no ${noun} yet`;
  return new LegionError({ code, message: `no ${noun} is named "${name}"`, hint, valid });
}
