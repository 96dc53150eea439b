// Goal: what a new repository begins with is right, costs nothing while nothing happens, and does what its comments say.
// Method: the manifests of agents.d, tools.d and watchers.d as they are, through the loader; the trigger of the inbox in a machine, the task of the morning filled.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { builtinFacts as builtins } from "../tools/types/builtin.ts";
import { compileText, compileTrigger } from "../trigger/trigger.ts";
import { taskRoots } from "./checks/crons.ts";
import { loadManifests } from "./load.ts";

const cwd = fileURLToPath(new URL("../../", import.meta.url));
const set = await loadManifests(["agents.d", "tools.d", "watchers.d"], { cwd, env: {}, builtins });

test("nothing is wrong with the starters", () => {
  assert.deepEqual(set.diagnostics, []);
});

test("the inbox wakes the assistant with what is written, and with nothing else", () => {
  const spec = set.get("Watcher", "inbox")?.spec;
  assert.ok(spec !== undefined);
  assert.equal(spec.agent, "assistant");
  const { machine } = compileTrigger(spec.trigger, { source: spec.type, zone: spec.timezone });
  assert.ok(machine !== undefined);
  const looks = [
    { event: "none", present: false },
    { event: "add", present: true, text: "What is here?\n" },
    { event: "none", present: true, text: "What is here?\n" },
    { event: "change", present: true, text: " \n" },
    { event: "change", present: true, text: "And now?" },
    { event: "unlink", present: false },
  ];
  const told = looks.map((look, index) => machine.poll(look, index * 5000).fire?.actions);
  assert.deepEqual(told, [
    undefined,
    [{ kind: "wake", text: "inbox.txt says: What is here?" }],
    undefined,
    undefined,
    [{ kind: "wake", text: "inbox.txt says: And now?" }],
    undefined,
  ]);
});

test("the morning rests until somebody wants it", () => {
  const spec = set.get("Cron", "morning")?.spec;
  assert.equal(spec?.suspend, true);
  const { compiled } = compileText(spec?.task ?? "", taskRoots);
  const sample = { tick: "2026-01-05T08:00:00Z", name: "morning", count: 1 };
  assert.match(compiled?.fill(sample, Date.UTC(2026, 0, 5, 8)) ?? "", /^It is 2026-01-05T08:00:00/);
});
