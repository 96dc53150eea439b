// Goal: a message with the moment of a cron is taken once, and whoever comes later is told so (R09).
// Method: the supervisor over an inbox and ticks in one real database, with turns that the test ends.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { before, test } from "node:test";
import type { ManifestObject } from "../../manifest/objects.ts";
import { openDatabase } from "../../state/database.ts";
import { openSqliteInbox } from "../../state/inbox-sqlite.ts";
import type { ResourceKey } from "../../state/resource.ts";
import { openSqliteTicks } from "../../state/ticks-sqlite.ts";
import { manualTime } from "../../testing/manual-timers.ts";
import { quiet, supervisorRig } from "../../testing/supervised.ts";
import { agentObject } from "../../testing/turns.ts";

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const a: ResourceKey = { kind: "Agent", namespace: "default", name: "a" };
const tick = { uid: "cron", atMs: 10, by: "schedule" } as const;

async function opened() {
  const resources = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), "legion-mail-ticks-"));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const database = await openDatabase(folder);
  resources.defer(() => database.close());
  const time = manualTime();
  const ticks = openSqliteTicks(database, { clock: time.clock });
  await ticks.keep({ uid: "cron", decidedMs: 0 });
  const inbox = openSqliteInbox(database, { clock: time.clock });
  const rig = supervisorRig(object, { ...time, inbox });
  return { ...rig, ticks, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

test("the second message with a tick is dropped as taken, and leaves nothing behind", async () => {
  await using rig = await opened();
  const { supervisor, ticks, turns, ensure } = rig;
  ensure();
  const incoming = { task: "Work.", trigger: "cron", tick } as const;
  const first = await supervisor.tell(a, incoming);
  assert.equal(first.dropped, undefined);
  const second = await supervisor.tell(a, { ...incoming, conversation: "other" });
  assert.equal(second.dropped, "taken");
  const [kept] = await ticks.list("cron");
  assert.deepEqual([kept?.state, kept?.message], ["started", first.message]);
  (await turns.at(0)).answer();
  await quiet();
  const lanes = supervisor.state(a)?.lanes ?? [];
  assert.deepEqual(
    lanes.filter(({ conversation }) => conversation === "other"),
    [],
  );
  assert.equal(supervisor.state(a)?.queued, 0);
});

test("the same message again goes on with what there is, with its tick or without", async () => {
  await using rig = await opened();
  const { supervisor, turns, ensure } = rig;
  ensure();
  const id = "01KDVDNA00TJ7Q2ZK5R6V8XW9Y";
  const incoming = { id, task: "Work.", trigger: "cron", tick } as const;
  await supervisor.tell(a, incoming);
  assert.equal((await supervisor.tell(a, incoming)).isDuplicate, true);
  const { tick: _, ...without } = incoming;
  const asked = supervisor.ask(a, without, new AbortController().signal);
  (await turns.at(0)).answer();
  assert.equal((await asked).message, id);
});
