import { anything, closed, listOf, name, opened, text, time, whole } from "./schemas.ts";

/** The forms of what goes over the API about agents that run, and what they have done. */

const lifecycleState = { enum: ["running", "paused", "stopped", "terminated"] } as const;

export const moveRequest = closed({ to: lifecycleState, reason: text, actor: name });
export const whyRequest = closed({ reason: text, actor: name });
export const scaleRequest = closed({
  replicas: { type: "integer", minimum: 1, maximum: 100 },
  manager: name,
});
export const interruptRequest = closed({}, { conversation: name });
export const redriveRequest = closed({}, { ids: listOf(text) });
export const restoreRequest = closed({ grave: name, manager: name });

export const conversation = opened({
  uid: text,
  name: text,
  createdAt: time,
  updatedAt: time,
  turns: whole,
  messages: whole,
});
export const conversationMessage = opened({ type: text, at: time, text });

export const deadLetter = opened(
  {
    ...{ id: text, uid: text, task: text, at: time, attempts: whole, conversation: text },
    ...{ delivery: whole, duplicates: whole, cause: text, diedAt: time },
  },
  { from: text, dedupeKey: text, trigger: text },
);

export const run = opened(
  {
    ...{ run: text, uid: text, agent: text, generation: whole, conversation: text },
    status: { enum: ["running", "ok", "cancel", "quarantined", "rolled-back"] },
    ...{ startedAt: time, steps: whole, tokens: whole },
  },
  { message: text, parent: text, key: text, reason: text, endedAt: time },
);

const step = opened({ seq: whole, at: time, type: text, data: anything });

export const runDetail = opened({ run, steps: listOf(step), children: listOf(run) });

export const rollbackReport = opened({
  run: text,
  calls: listOf(
    opened(
      { name: text, outcome: { enum: ["reverted", "already", "skipped", "failed"] } },
      { message: text },
    ),
  ),
});

export const replayReport = opened({
  run: text,
  steps: whole,
  isSame: { type: "boolean" },
  differences: listOf(
    opened({ seq: whole, type: text, message: text }, { recorded: text, replayed: text }),
  ),
});

export const question = opened(
  {
    ...{ id: text, key: text, uid: text, agent: text, run: text, text, askedAt: time },
    type: { enum: ["question", "approval"] },
    state: { enum: ["pending", "answered", "approved", "denied", "expired", "withdrawn"] },
    expiresAtMs: whole,
  },
  {
    choices: listOf(text),
    schema: anything,
    call: opened({ name: text, hash: text }),
    ...{ decidedAt: time, by: text, reason: text },
  },
);

export const decision = {
  oneOf: [
    closed({ type: { const: "answer" }, answer: {}, by: name }),
    closed({ type: { const: "approve" }, by: name }),
    closed({ type: { const: "deny" }, by: name }, { reason: text }),
  ],
} as const;

export const grave = opened({
  uid: text,
  namespace: text,
  name: text,
  buriedAt: time,
  reason: text,
  object: anything,
});
