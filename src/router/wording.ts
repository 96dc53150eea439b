import type { WireError } from "./contract.ts";
import type { Target } from "./resolve.ts";

/** A target that did not answer, and why. */
export interface TargetFailure {
  readonly target: Pick<Target, "provider" | "model">;
  readonly error: WireError;
}

/** The most characters of one reason in a list of several. */
const REASON_CHARACTERS_MAX = 300;

/** The error of a request that nothing answered: each target with its reason. One target's own error says it best by itself. */
export function noneAnswered(failures: readonly TargetFailure[]): WireError {
  const [first, ...others] = failures;
  const last = failures.at(-1);
  if (first === undefined || last === undefined)
    return {
      outcome: "invalid_request",
      code: "LEG5003",
      message: "there is no target to ask",
      hint: "add targets to the Router",
    };
  if (others.length === 0) return first.error;
  return {
    outcome: last.error.outcome,
    code: "LEG5003",
    message: `no model answered: ${reasons(failures)}`,
    hint: steps(failures),
  };
}

/** Says that the answer comes from the manifest, why, and how to get a real one. */
export function standInWarning(
  { provider }: Pick<Target, "provider">,
  failures: readonly TargetFailure[],
): string {
  const why = failures.length === 0 ? "" : ` (${reasons(failures)})`;
  const how = failures.length === 0 ? "" : `; for a real answer, ${steps(failures)}`;
  return `no model answered${why}, so the scripted provider ${provider} stands in${how}`;
}

/** Says that the next target is asked, and why; `isOut`: the first one is not asked again for now. */
export function fallbackWarning(
  from: Pick<Target, "provider" | "model">,
  error: WireError,
  to: Pick<Target, "provider" | "model">,
  isOut: boolean,
): string {
  const out = isOut ? " and is left out until its key or manifest changes" : "";
  return `${from.provider}/${from.model} failed (${shortened(error.message)})${out}, asking ${to.provider}/${to.model}`;
}

function reasons(failures: readonly TargetFailure[]): string {
  return failures
    .map(({ target, error }) => `${target.provider}/${target.model}: ${shortened(error.message)}`)
    .join("; ");
}

function steps(failures: readonly TargetFailure[]): string {
  return [...new Set(failures.map(({ error }) => error.hint))].join("; or ");
}

function shortened(text: string): string {
  return text.length > REASON_CHARACTERS_MAX ? `${text.slice(0, REASON_CHARACTERS_MAX)}…` : text;
}
