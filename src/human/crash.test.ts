// Goal: R01, R02: what was asked and what was decided outlives kill -9.
// Method: another process asks over a database on disk and is killed while it waits, or after the decision; this one goes on.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { systemTimers } from "../manifest/watch/timers.ts";
import { testPeople } from "../testing/people.ts";

const realTime = { clock: systemClock, timers: systemTimers };

/** A process that does the work with `desk`, and says so on a line of its output. */
const programOf = (work: string) => `
  import { testPeople } from ${JSON.stringify(new URL("../testing/people.ts", import.meta.url).href)};
  import { systemClock } from ${JSON.stringify(new URL("../lib/clock.ts", import.meta.url).href)};
  import { systemTimers } from ${JSON.stringify(new URL("../manifest/watch/timers.ts", import.meta.url).href)};
  const desk = await testPeople(
    { after() {} },
    { clock: systemClock, timers: systemTimers, folder: process.argv[1] },
  );
  ${work}
  setInterval(() => {}, 1000);
`;

/** Runs the work in a process of its own over a fresh database, and kills it once it has said a line. */
async function killedAfter(
  t: TestContext,
  work: string,
): Promise<{ folder: string; line: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), "legion-people-crash-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const args = ["--input-type=module", "--eval", programOf(work), folder];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(child.stdout), "line");
  child.kill("SIGKILL");
  assert.deepEqual(await once(child, "exit"), [null, "SIGKILL"]);
  return { folder, line: String(line) };
}

test("a question that waited when the process was killed is open for the next, once", async (t) => {
  const work = "void desk.ask({ question: 'now?' }); console.log((await desk.opened()).id);";
  const { folder, line } = await killedAfter(t, work);
  const desk = await testPeople(t, { ...realTime, folder });
  await desk.people.resume();
  const asking = desk.ask({ question: "now?" });
  const [open, ...others] = await desk.people.pending();
  assert.deepEqual([open?.id, others.length], [line, 0]);
  await desk.people.decide(line, { type: "answer", answer: "yes", by: "ada" });
  assert.equal(await asking, "yes");
});

test("an answer that was given when the process was killed is there for the next", async (t) => {
  const work = `
    void desk.ask();
    const { id } = await desk.opened();
    await desk.people.decide(id, { type: "answer", answer: "kept", by: "ada" });
    console.log(id);`;
  const { folder } = await killedAfter(t, work);
  const desk = await testPeople(t, { ...realTime, folder });
  assert.equal(await desk.ask(), "kept");
  assert.deepEqual(await desk.people.pending(), []);
});

test("so is an approval, for its own call only", async (t) => {
  const work = `
    void desk.approve();
    const { id } = await desk.opened();
    await desk.people.decide(id, { type: "approve", by: "ada" });
    console.log(id);`;
  const { folder } = await killedAfter(t, work);
  const desk = await testPeople(t, { ...realTime, folder });
  assert.deepEqual(await desk.approve(), { approved: true });
  const other = await desk.approve({ argument: { to: "x@y.z" } });
  assert.equal(!other.approved && other.error.code, "LEG2065");
});
