// Goal: what has spec.suspend rests and goes on by two verbs, and everything else is told the verb that it has.
// Method: run the commands on streams over a real state folder, and read the objects back.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runOnStreams } from "../testing/command-streams.ts";
import { seedStateFolder } from "../testing/state-folder.ts";

let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-suspend-"));
  await seedStateFolder(join(folder, ".legion"), [
    { kind: "Agent", name: "a", spec: { model: "m", description: "It helps." } },
    { kind: "Cron", name: "c", spec: { schedule: "@daily", agent: "a", task: "Work." } },
    { kind: "Source", name: "s", spec: { type: "folder", path: "more" } },
    {
      kind: "Watcher",
      name: "w",
      spec: { type: "fileWatch", path: "log", trigger: "when present then silent" },
    },
  ]);
});

after(() => rm(folder, { recursive: true, force: true }));

const run = (...argv: string[]) => runOnStreams([...argv, "-q"], { cwd: folder });

for (const object of ["watcher/w", "cron/c", "source/s"]) {
  test(`${object} rests, and goes on`, async () => {
    const read = async () => {
      const { stdout } = await run("get", object, "-o", "json");
      const { spec, metadata } = JSON.parse(stdout);
      return { suspend: spec.suspend ?? false, owned: metadata.managers["legion-cli"] };
    };
    assert.deepEqual(await run("suspend", object), {
      ...{ exitCode: 0, stderr: "" },
      stdout: `${object} suspended\n`,
    });
    assert.deepEqual(await read(), { suspend: true, owned: 1 });
    const { stdout } = await run("resume", object);
    assert.equal(stdout, `${object} resumed\n`);
    assert.deepEqual(await read(), { suspend: false, owned: 1 });
  });
}

const refusals: readonly (readonly [argv: readonly string[], code: string, text: RegExp])[] = [
  [["suspend"], "LEG7017", /legion suspend cron\/nightly/],
  [["suspend", "agent/a"], "LEG7002", /not an agent[\s\S]*legion pause agent\/a/],
  [["suspend", "cron/d"], "LEG6030", /did you mean "c"/],
  [["resume", "watcher/v"], "LEG6030", /did you mean "w"/],
];

for (const [argv, code, text] of refusals) {
  test(`legion ${argv.join(" ")} is refused with ${code}`, async () => {
    const { exitCode, stdout, stderr } = await run(...argv);
    assert.ok(exitCode !== 0);
    assert.equal(stdout, "");
    assert.match(stderr, new RegExp(code));
    assert.match(stderr, text);
  });
}
