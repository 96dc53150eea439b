import type { AgentsPlane } from "../reconcile/agents-contract.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import type { RunRecord } from "../state/journal.ts";
import type { Question } from "../state/questions.ts";

const at = "2026-01-01T00:00:00.000Z";

export const sampleRun: RunRecord = {
  ...{ run: "01KD00000000000000000000R1", uid: "uid-1", agent: "ada", generation: 2 },
  ...{ conversation: "main", message: "01KD00000000000000000000M1", key: "message/m1/1" },
  ...{ status: "cancel", reason: "timeout", startedAt: at, endedAt: at, steps: 2, tokens: 40 },
};

export const sampleQuestion: Question = {
  ...{ id: "01KD00000000000000000000Q1", key: "ask/1", uid: "uid-1", agent: "ada" },
  ...{ run: sampleRun.run, type: "question", text: "Which colour?", choices: ["red", "blue"] },
  ...{ state: "pending", askedAt: at, expiresAtMs: Date.parse(at) + 60_000 },
};

const sampleObject: ApiObject = {
  ...{ apiVersion: "legion.dev/v1", kind: "Agent", spec: { description: "Helps." } },
  metadata: {
    ...{ name: "ada", namespace: "default", uid: "uid-1", generation: 2, resourceVersion: 3 },
    creationTimestamp: at,
  },
  status: {},
};

/** What each method gives back; typical, and whole. */
export const agentAnswers = {
  ask: { message: "m1", generation: 1, result: { status: "ok", value: "yes" } },
  tell: { message: "m1", queued: 1 },
  move: sampleObject,
  stopAll: { stopped: 3 },
  scale: sampleObject,
  interrupt: { interrupted: 1 },
  conversations: [
    { uid: "uid-1", name: "main", createdAt: at, updatedAt: at, turns: 2, messages: 6 },
  ],
  messages: [{ type: "user", at, text: "Hello\u001b[31m" }],
  endConversation: { ended: true },
  deadLetters: [
    {
      ...{ id: "01KD00000000000000000000D1", uid: "uid-1", task: "fail", at, attempts: 3 },
      ...{ conversation: "main", delivery: 30, duplicates: 0, cause: "it failed", diedAt: at },
      from: "legion tell",
      notBeforeMs: 0,
    },
  ],
  redrive: { redriven: 1 },
  runs: [sampleRun],
  runDetail: {
    run: sampleRun,
    steps: [{ seq: 1, at, type: "turn.started", data: { task: "Hello" } }],
    children: [{ ...sampleRun, run: "01KD00000000000000000000R2", parent: sampleRun.run }],
  },
  cancelRun: { cancelled: true },
  resumeRun: { run: sampleRun.run, message: "01KD00000000000000000000M2" },
  rollbackRun: {
    run: sampleRun.run,
    calls: [
      { name: "shop.pay", outcome: "reverted" },
      { name: "shop.look", outcome: "skipped", message: "it has no revert" },
    ],
  },
  replayRun: {
    ...{ run: sampleRun.run, steps: 4, isSame: false },
    differences: [{ seq: 2, type: "eval.result", message: "another value", recorded: "1" }],
  },
  questions: [sampleQuestion],
  decide: { ...sampleQuestion, state: "answered", by: "ada", answer: "red", decidedAt: at },
  graves: [
    {
      ...{ uid: "uid-0", namespace: "default", name: "old", buriedAt: at, reason: "deleted" },
      object: { labels: {}, annotations: {}, spec: { description: "Helped." } },
    },
  ],
  restore: sampleObject,
} as const satisfies { readonly [M in keyof AgentsPlane]: Awaited<ReturnType<AgentsPlane[M]>> };

export interface RecordedCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** An agents half that gives the answers above and keeps what it was called with; signals are left out. */
export function recordingAgents(): { readonly plane: AgentsPlane; readonly calls: RecordedCall[] } {
  const calls: RecordedCall[] = [];
  const methods = Object.entries(agentAnswers).map(([method, answer]) => [
    method,
    async (...args: unknown[]) => {
      calls.push({ method, args: args.filter((each) => !(each instanceof AbortSignal)) });
      return answer;
    },
  ]);
  return { plane: Object.fromEntries(methods) as AgentsPlane, calls };
}
