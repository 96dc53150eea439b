import { closed, name, opened, text, time, whole } from "./schemas.ts";

/** The forms of what goes over the API about watchers and crons. */

export const explainedLine = opened({ depth: whole, text, type: text }, { value: text });

const watcherKey = { kind: { const: "Watcher" }, namespace: name, name } as const;

export const silence = opened({
  ...{ id: text, watcher: opened(watcherKey), until: time, at: time, reason: text, by: text },
});
export const silenceRequest = closed({
  watcher: closed(watcherKey),
  // What is no moment is told in words of our own.
  until: { ...text, maxLength: 64 },
  reason: { ...text, maxLength: 1_024 },
  by: name,
});

export const tick = opened(
  {
    uid: text,
    atMs: whole,
    by: { enum: ["schedule", "catchup", "person"] },
    state: {
      enum: [
        ...["waiting", "started", "ok", "failed", "cancelled", "skipped", "missed", "dropped"],
      ],
    },
  },
  { message: text, startedMs: whole, endedMs: whole, reason: text },
);
