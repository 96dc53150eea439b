import { newId } from "../../lib/ids.ts";
import type { RunRecord } from "../../state/journal.ts";
import { nothingToResume } from "./answers.ts";
import { countAll } from "./lanes.ts";
import type { Loop, Supervision } from "./loop.ts";
import { put } from "./mail.ts";

/** What was resumed: the run that had ended, and the message that its task is delivered as. */
export interface Resumed {
  readonly run: string;
  readonly message: string;
}

/** Lets an agent have the task of a run again that ended without an answer: its dead letter is put back, else it comes as a new message. */
export async function resumeRun(supervision: Supervision, run: string): Promise<Resumed> {
  const { journal, inbox, loops } = supervision;
  const record = await journal.run(run);
  if (record === undefined) throw nothingToResume(run, "it is not on record");
  const loop = loops.values().find(({ uid }) => uid === record.uid);
  const { message } = record;
  const letters = loop === undefined ? [] : await inbox.dead(loop.uid);
  const letter = letters.find(({ id }) => id === message);
  const refusal = whyNot(record, loop, letter !== undefined);
  if (refusal !== undefined || loop === undefined) throw nothingToResume(run, refusal ?? "");
  if (letter !== undefined) {
    await inbox.redrive(loop.uid, [letter.id]);
    await countAll(supervision, loop);
    return { run, message: letter.id };
  }
  const [started] = await journal.steps(run);
  const { task } = started?.data ?? {};
  if (typeof task !== "string") throw nothingToResume(run, "its task is not on record");
  const told = await put(supervision, loop.key, newId(supervision.clock.now()), {
    ...{ task, conversation: record.conversation, from: "resume" },
    // Asked for twice, it is delivered once.
    dedupeKey: `resume/${run}`,
  });
  return { run, message: told.message };
}

function whyNot(
  { status, agent, parent }: RunRecord,
  loop: Loop | undefined,
  isDead: boolean,
): string | undefined {
  if (loop === undefined) return `the agent ${agent} does not run`;
  if (parent !== undefined) return "it was started by another run, which is to be resumed instead";
  // One whose message was given up in the middle of it goes on when that is put back.
  if (status === "running" && !isDead) return "it has not ended, and goes on by itself";
  if (status === "ok") return "it has answered";
  return status === "rolled-back" ? "what it did was rolled back" : undefined;
}
