// Goal: R01: killed at any step of a team's work, the next process finishes it: the same answer, each sub-agent run once, none left behind.
// Method: real processes that kill -9 themselves at a place of their record, and one after them that finishes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../testing/team-program.ts", import.meta.url));
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-team-crash-"));
});
after(() => rm(folder, { recursive: true, force: true }));

function run(name: string, failpoint?: string) {
  const { LEGION_FAILPOINT: _, ...env } = process.env;
  const { stdout, stderr, signal, status } = spawnSync(
    process.execPath,
    ["--no-warnings", program, join(folder, name)],
    {
      env: { ...env, ...(failpoint !== undefined && { LEGION_FAILPOINT: failpoint }) },
      encoding: "utf8",
      timeout: 60_000,
    },
  );
  return { stdout, stderr, signal, status };
}

let whole: string | undefined;

/** What the run comes to that nothing disturbs. */
function undisturbed(): string {
  whole ??= run("undisturbed").stdout;
  return whole;
}

test("undisturbed, it answers and every run has ended", () => {
  const { value, ended, left } = JSON.parse(undisturbed());
  assert.deepEqual(value, ["text", "text", "text", "text", "text"]);
  const runs = Object.groupBy(ended as string[], (each) => each);
  const counts = Object.entries(runs).map(([each, list = []]) => `${list.length} ${each}`);
  // Two in functions and one as data of middle, each with one below it; what they gave, the cast, the tell and "c" of writer.
  assert.deepEqual(counts, ["1 lead ok", "3 middle ok", "8 writer ok"]);
  assert.deepEqual(left, []);
});

const places = [
  "journal-after:turn.started:2",
  "journal-after:call.started:3",
  "journal-after:call.result:5",
  "journal-after:turn.finished:1",
  "journal-before:turn.finished:9",
  "journal-write-before:40",
];

for (const place of places) {
  test(`R01: killed at ${place}, it is finished by the next process`, () => {
    const name = place.replaceAll(":", "-");
    const killed = run(name, place);
    assert.equal(killed.signal, "SIGKILL", killed.stderr || killed.stdout);
    const { stdout, stderr } = run(name);
    assert.equal(stdout, undisturbed(), stderr);
  });
}
