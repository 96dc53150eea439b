// Goal: events say who, when and what led to them, and a listener that fails harms nobody.
// Method: a manual clock, the real emitter and bus, and sinks that collect or throw.
import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { createBus } from "./bus.ts";
import { createEmitter } from "./emitter.ts";
import type { LegionEvent } from "./events.ts";

function collecting() {
  const events: LegionEvent[] = [];
  return { events, sink: (event: LegionEvent) => void events.push(event) };
}

test("an event has an id, the time, its run, and the event that led to it", () => {
  const { events, sink } = collecting();
  const clock = manualClock();
  const emit = createEmitter({ agent: "a", run: "r", clock, sink });
  const first = emit("legion.agent.started", { task: "t" });
  clock.advance(1500);
  emit("legion.llm.warning", { message: "w" }, first);
  assert.deepEqual(events, [
    {
      id: first,
      at: "2026-01-01T00:00:00.000Z",
      agent: "a",
      run: "r",
      kind: "legion.agent.started",
      data: { task: "t" },
    },
    {
      id: events[1]?.id,
      at: "2026-01-01T00:00:01.500Z",
      agent: "a",
      run: "r",
      kind: "legion.llm.warning",
      data: { message: "w" },
      causedBy: first,
    },
  ]);
});

test("ids sort in the order of the events, also within a millisecond", () => {
  const emit = createEmitter({ agent: "a", run: "r", clock: manualClock(), sink: () => {} });
  const ids = Array.from({ length: 100 }, () => emit("legion.llm.warning", { message: "" }));
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, 100);
});

test("a listener that throws is reported, and the others still hear", () => {
  const errors: unknown[] = [];
  const { events, sink } = collecting();
  const bus = createBus((error) => void errors.push(error));
  const broken = new Error("broken");
  bus.subscribe(() => {
    throw broken;
  });
  bus.subscribe(sink);
  createEmitter({ agent: "a", run: "r", clock: manualClock(), sink: bus.publish })(
    "legion.llm.warning",
    { message: "w" },
  );
  assert.deepEqual(errors, [broken]);
  assert.equal(events.length, 1);
});

test("who has unsubscribed hears nothing more; the same sink may listen twice", () => {
  const { events, sink } = collecting();
  const bus = createBus(() => {});
  const emit = createEmitter({ agent: "a", run: "r", clock: manualClock(), sink: bus.publish });
  const end = bus.subscribe(sink);
  bus.subscribe(sink);
  emit("legion.llm.warning", { message: "1" });
  end();
  end();
  emit("legion.llm.warning", { message: "2" });
  assert.equal(events.length, 3);
});
