// Goal: the newest events are kept, and told to who listens; on disk they outlive the process, and never harm it.
// Method: rings of small sizes, and files in a temporary folder that are cut, filled, rotated and made unwritable.
import assert from "node:assert/strict";
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { manualClock } from "../lib/clock.ts";
import { createEmitter, createObjectEmitter } from "./emitter.ts";
import type { DaemonEvent } from "./events.ts";
import { openEventFile } from "./journal-file.ts";
import { createRing } from "./ring.ts";

async function temporary(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "legion-events-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function eventsOf(count: number, message = "m"): DaemonEvent[] {
  const events: DaemonEvent[] = [];
  const emit = createObjectEmitter({ clock: manualClock(), sink: (event) => events.push(event) });
  for (let i = 0; i < count; i++)
    emit("Agent/default/a", { severity: "normal", reason: "Created", message: `${message}${i}` });
  return events;
}

const failOnError = (error: unknown) => assert.fail(String(error));

test("a ring keeps the newest, in order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.nat({ max: 30 }), (max, count) => {
      const ring = createRing(max);
      const events = eventsOf(count);
      for (const event of events) ring.publish(event);
      assert.deepEqual(ring.since(), events.slice(-max));
      events.forEach((event, i) => {
        assert.deepEqual(ring.since(event.id), events.slice(Math.max(i + 1, count - max)));
      });
    }),
  );
});

test("a ring holds no more memory than it may, whatever the size of its events", () => {
  const sizes = fc.array(fc.nat({ max: 400 }), { maxLength: 60 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 20 }), (lengths, max) => {
      const maxBytes = 2_000;
      const ring = createRing(max, failOnError, maxBytes);
      const events = lengths.flatMap((length) => eventsOf(1, "x".repeat(length * 4)));
      const heard: DaemonEvent[] = [];
      ring.subscribe((event) => void heard.push(event));
      for (const event of events) ring.publish(event);
      assert.deepEqual(heard, events);
      const kept = ring.since();
      const size = (some: readonly DaemonEvent[]) => JSON.stringify(some).length;
      assert.ok(size(kept) <= maxBytes, `${size(kept)} characters`);
      assert.ok(kept.length <= max);
      const fitting = events.filter((event) => size([event]) < maxBytes / 3);
      const newest = fitting.at(-1);
      if (newest !== undefined && newest === events.at(-1)) assert.equal(kept.at(-1), newest);
      assert.deepEqual(
        kept,
        events.filter((event) => kept.includes(event)),
      );
    }),
  );
});

test("an event that is larger than the memory of a ring leaves the others where they are", () => {
  const ring = createRing(10, failOnError, 10_000);
  const [small, huge, next] = [...eventsOf(1), ...eventsOf(1, "x".repeat(5_000)), ...eventsOf(1)];
  for (const event of [small, huge, next]) if (event !== undefined) ring.publish(event);
  assert.deepEqual(ring.since(), [small, next]);
});

test("who listens hears everything, also what is not kept; one who throws harms nobody", () => {
  const errors: unknown[] = [];
  const ring = createRing(10, (error) => void errors.push(error));
  const emit = createEmitter({ agent: "a", run: "r", clock: manualClock(), sink: ring.publish });
  const heard: string[] = [];
  ring.subscribe(() => {
    throw new Error("broken");
  });
  const end = ring.subscribe(({ kind }) => void heard.push(kind));
  emit("legion.llm.delta", { type: "text", text: "t" });
  emit("legion.llm.warning", { message: "w" });
  end();
  emit("legion.llm.warning", { message: "w" });
  assert.deepEqual(heard, ["legion.llm.delta", "legion.llm.warning"]);
  assert.deepEqual(
    ring.since().map(({ kind }) => kind),
    ["legion.llm.warning", "legion.llm.warning"],
  );
  assert.equal(errors.length, 3);
});

test("what was written is read back at the next start, for the owner's eyes only", async (context) => {
  const folder = await temporary(context);
  const events = eventsOf(50);
  const file = await openEventFile(folder, { onError: failOnError });
  for (const event of events) file.publish(event);
  createEmitter({ agent: "a", run: "r", clock: manualClock(), sink: file.publish })(
    "legion.llm.delta",
    { type: "text", text: "t" },
  );
  await file.close();
  assert.equal((await stat(join(folder, "events.jsonl"))).mode & 0o777, 0o600);
  const again = await openEventFile(folder, { onError: failOnError });
  assert.deepEqual(await again.recent(1_000), events);
  assert.deepEqual(await again.recent(3), events.slice(-3));
  assert.deepEqual(await again.recent(0), []);
});

test("a last line that a crash has cut off is left out, and what follows is whole", async (context) => {
  const folder = await temporary(context);
  const [first, second, third] = eventsOf(3);
  assert.ok(first && second && third);
  const whole = `${JSON.stringify(first)}\n`;
  const line = JSON.stringify(second);
  for (const cut of [1, Math.floor(line.length / 2), line.length - 1]) {
    await rm(join(folder, "events.jsonl"), { force: true });
    await appendFile(join(folder, "events.jsonl"), whole + line.slice(0, cut));
    const file = await openEventFile(folder, { onError: failOnError });
    file.publish(third);
    await file.close();
    assert.deepEqual(await file.recent(10), [first, third]);
  }
});

test("files are begun anew by size, and the oldest goes", async (context) => {
  const folder = await temporary(context);
  const events = eventsOf(200, "x".repeat(100));
  const file = await openEventFile(folder, { maxBytes: 4_000, keep: 3, onError: failOnError });
  for (const event of events) {
    file.publish(event);
    await file.flush();
  }
  assert.deepEqual((await readdir(folder)).toSorted(), [
    "events.jsonl",
    "events.jsonl.1",
    "events.jsonl.2",
  ]);
  for (const name of await readdir(folder))
    assert.ok((await stat(join(folder, name))).size <= 4_000, name);
  const kept = await file.recent(1_000);
  assert.ok(kept.length > 20);
  assert.deepEqual(kept, events.slice(-kept.length));
});

const doings: readonly { name: string; does: (path: string) => Promise<unknown>; want: number }[] =
  [
    { name: "removed", does: (path) => rm(path), want: 1 },
    { name: "moved away", does: (path) => rename(path, `${path}.mine`), want: 1 },
    { name: "emptied", does: (path) => truncate(path), want: 1 },
    { name: "left alone", does: async () => {}, want: 3 },
  ];

for (const { name, does, want } of doings) {
  test(`a file that somebody has ${name} while it is written goes on at its path`, async (context) => {
    const folder = await temporary(context);
    const path = join(folder, "events.jsonl");
    const file = await openEventFile(folder, { onError: failOnError });
    for (const [index, event] of eventsOf(3).entries()) {
      if (index === 2) await does(path);
      file.publish(event);
      await file.flush();
    }
    const text = await readFile(path, "utf8");
    assert.equal(text.split("\n").length - 1, want);
    await file.close();
  });
}

test("what is published after the end is written all the same, and leaves no file open", async (context) => {
  const folder = await temporary(context);
  const file = await openEventFile(folder, { onError: failOnError });
  const opened = async () => (await readdir("/proc/self/fd")).length;
  const before = await opened();
  await file.close();
  for (const event of eventsOf(1)) file.publish(event);
  await file.flush();
  assert.equal((await file.recent(10)).length, 1);
  assert.equal(await opened(), before);
});

test("events of one tick go into one write; publishing does not wait for it", async (context) => {
  const folder = await temporary(context);
  const file = await openEventFile(folder, { onError: failOnError });
  for (const event of eventsOf(3)) file.publish(event);
  await assert.rejects(readFile(join(folder, "events.jsonl")), { code: "ENOENT" });
  await file.flush();
  assert.equal((await readFile(join(folder, "events.jsonl"), "utf8")).split("\n").length, 4);
});

test("a disk that refuses is told once, until it has worked again", async (context) => {
  const folder = await temporary(context);
  const errors: unknown[] = [];
  const file = await openEventFile(folder, { onError: (error) => void errors.push(error) });
  const publish = async () => {
    for (const event of eventsOf(1)) file.publish(event);
    await file.flush();
  };
  await mkdir(join(folder, "events.jsonl"));
  await publish();
  await publish();
  assert.equal(errors.length, 1);
  await rm(join(folder, "events.jsonl"), { recursive: true });
  await publish();
  assert.equal((await file.recent(10)).length, 1);
  await rm(join(folder, "events.jsonl"));
  await mkdir(join(folder, "events.jsonl"));
  await publish();
  assert.equal(errors.length, 2);
  await file.close();
});
