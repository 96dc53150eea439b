// Goal: delete takes exactly what is named, nothing by accident, and rollout goes back to what was.
// Method: the command line on streams over a real state folder without a daemon; tables of words that are refused.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { runOnStreams } from "../testing/command-streams.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";

let base = "";
let cwd = "";
let made = 0;

before(async () => {
  base = await mkdtemp(join(tmpdir(), "legion-delete-"));
});

after(() => rm(base, { recursive: true, force: true }));

beforeEach(async () => {
  made += 1;
  cwd = join(base, String(made));
  await mkdir(cwd, { recursive: true });
  const red = { labels: { team: "red" } };
  await write(
    providerManifest(),
    agentManifest("a", {}, red),
    agentManifest("b", {}, red),
    agentManifest("c"),
  );
  assert.equal((await run("apply -f m.yaml")).exitCode, 0);
});

const run = (line: string, stdin = "") => runOnStreams(line.split(" "), { cwd, stdin });
const write = (...texts: string[]) => writeFile(join(cwd, "m.yaml"), texts.join(""));
const names = async () =>
  (await run("get all -o name -q")).stdout
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "");

const all = ["agent/a", "agent/b", "agent/c", "provider/local"];
const deletions: { words: string; stdin?: string; left: string[]; stdout: string }[] = [
  {
    words: "delete agent/a agent/c",
    left: ["agent/b", "provider/local"],
    stdout: 'agent "a" deleted\nagent "c" deleted\n',
  },
  {
    words: "delete agents b",
    left: ["agent/a", "agent/c", "provider/local"],
    stdout: 'agent "b" deleted\n',
  },
  {
    words: "delete agents -l team=red",
    left: ["agent/c", "provider/local"],
    stdout: 'agent "a" deleted\nagent "b" deleted\n',
  },
  {
    words: "delete agents --all -o name",
    left: ["provider/local"],
    stdout: "agent/a\nagent/b\nagent/c\n",
  },
  { words: "delete agent/a --dry-run", left: all, stdout: 'agent "a" would be deleted\n' },
  {
    words: "delete agent/x agent/a --ignore-not-found",
    left: all.slice(1),
    stdout: 'agent "a" deleted\n',
  },
  { words: "delete agent/x --ignore-not-found", left: all, stdout: "" },
  {
    words: "delete -f -",
    stdin: agentManifest("b"),
    left: ["agent/a", "agent/c", "provider/local"],
    stdout: 'agent "b" deleted\n',
  },
  {
    words: "delete -f - --wait=false",
    stdin: agentManifest("c", { modle: "x" }),
    left: ["agent/a", "agent/b", "provider/local"],
    stdout: 'agent "c" deleted\n',
  },
];

for (const { words, stdin = "", left, stdout } of deletions) {
  test(`legion ${words} leaves ${left.join(" ")}`, async () => {
    const ended = await run(words, stdin);
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.equal(ended.stdout, stdout);
    assert.deepEqual((await names()).toSorted(), left);
  });
}

const refused: { words: string; stdin?: string; exitCode: number; says: RegExp }[] = [
  { words: "delete", exitCode: 2, says: /LEG7034/ },
  {
    words: "delete agents",
    exitCode: 2,
    says: /alone would delete every object[\s\S]*agent\/NAME.*--all/,
  },
  { words: "delete poet", exitCode: 2, says: /LEG7011[\s\S]*did you mean agent\/poet\?/ },
  { words: "delete agent/a agent/x", exitCode: 1, says: /LEG6030.*"x"/ },
  { words: "delete agnet/a", exitCode: 2, says: /did you mean "agents"/ },
  { words: "delete agent/a -f m.yaml", exitCode: 2, says: /do not go together/ },
  { words: "delete agent/a --wait=perhaps", exitCode: 2, says: /--wait=true or --wait=false/ },
  { words: "delete -f nowhere.yaml", exitCode: 1, says: /nowhere\.yaml/ },
  { words: "delete -f -", stdin: "a: [", exitCode: 1, says: /<stdin>:1:/ },
  { words: "delete agents -l team=", exitCode: 0, says: /nothing to delete/ },
  { words: "rollout history agent/x", exitCode: 1, says: /LEG6030/ },
  { words: "rollout history agent/a --revision 7", exitCode: 1, says: /LEG6032.*7/ },
  {
    words: "rollout history agent/a --revision x",
    exitCode: 2,
    says: /--revision does not take "x"/,
  },
  { words: "rollout undo agent/a", exitCode: 1, says: /LEG6032/ },
  { words: "rollout undo agent/a --to-revision 9", exitCode: 1, says: /LEG6032/ },
  { words: "rollout status agent/a", exitCode: 4, says: /LEG8001/ },
  { words: "rollout undoo agent/a", exitCode: 2, says: /did you mean "legion rollout undo"/ },
];

for (const { words, stdin = "", exitCode, says } of refused) {
  test(`legion ${words} ends with ${exitCode} and changes nothing`, async () => {
    const ended = await run(words, stdin);
    assert.equal(ended.exitCode, exitCode, ended.stderr);
    assert.match(ended.stderr, says);
    assert.deepEqual((await names()).toSorted(), all);
  });
}

test("rollout history lists who changed what, and undo makes the one before a new generation", async () => {
  await write(providerManifest(), agentManifest("a", { description: "Second.", maxIterations: 9 }));
  await run("apply -f m.yaml");
  const history = await run("rollout history agent/a");
  const [head = "", second = "", first = ""] = history.stdout.split("\n");
  assert.match(head, /^GENERATION +AT +BY +CHANGES$/);
  assert.match(second, /^ +2 +\S+Z +legion-apply +spec\.description, spec\.maxIterations$/);
  assert.match(first, /^ +1 .* created$/);
  assert.match(
    (await run("rollout history agent/a --revision 1")).stdout,
    /^description: Helps\.$/m,
  );
  const undone = await run("rollout undo agent/a");
  assert.equal(undone.stdout, "agent/a is back at the generation before, as generation 3\n");
  assert.doesNotMatch(undone.stderr, /declares it/, "nobody reads the file again by itself");
  const described = await run("describe agent/a -q");
  assert.match(
    described.stdout,
    /^Annotations: +none\n[\s\S]*^Rolled back: +yes, until the next apply$/m,
  );
  assert.equal((await run("get agent/a -o jsonpath={.spec.description} -q")).stdout, "Helps.\n");
  const again = await run("rollout undo agent/a --to-revision 1");
  assert.match(again.stdout, /is as generation 1 already|as generation 4/);
  const back = await run("rollout undo agent/a --to-revision 2 -o json");
  assert.equal(JSON.parse(back.stdout).spec.maxIterations, 9);
});
