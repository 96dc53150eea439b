import { LegionError } from "../lib/errors.ts";
import { type RunStatus, STEP_BYTES_MAX } from "./journal.ts";

export function noRun(run: string): LegionError {
  return new LegionError({
    code: "LEG6060",
    message: `no run has the id ${run}`,
    hint: "list the runs that are kept with legion runs list",
  });
}

export function notRunning(run: string, status: RunStatus, type: string): LegionError {
  return new LegionError({
    code: "LEG6061",
    message: `the run ${run} is ${status} and takes no ${type}`,
    hint: "send the message again for another run",
  });
}

export function runDamaged(run: string, reason = "its record is damaged"): LegionError {
  return new LegionError({
    code: "LEG6062",
    message: `the run ${run} is in quarantine: ${reason}`,
    hint: "check the disk and what the run may have done already, then send its message again",
  });
}

export function blobDamaged(hash: string): LegionError {
  return new LegionError({
    code: "LEG6063",
    message: `the recorded value ${hash} is damaged`,
    hint: "check the disk, apply the manifest of the agent again, then send the message again",
  });
}

/** A conversation with a record that is not as it was written. */
export function conversationDamaged(name: string, what: string): LegionError {
  return new LegionError({
    code: "LEG6064",
    message: `the conversation "${name}" is damaged: ${what}`,
    hint: "check the disk, then end the conversation: the next message begins a new one",
  });
}

export function stepTooLarge(type: string, bytes: number): LegionError {
  return new LegionError({
    code: "LEG6065",
    message: `a step ${type} takes ${bytes} bytes, more than ${STEP_BYTES_MAX}`,
    hint: "let the code or the tool return less, and keep large data in files",
  });
}
