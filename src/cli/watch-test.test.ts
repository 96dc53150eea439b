// Goal: the cases of a watcher are run offline; what differs is told at its place in the file, and the exit code says whether all is as expected.
// Method: run the command on streams over the fixtures and over changed copies of them; compare what it prints word for word.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { repository } from "../testing/command.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { seedStateFolder } from "../testing/state-folder.ts";

let folder = "";
let cases = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-watch-test-"));
  cases = await readFile(join(repository, "fixtures/watch/checkout.cases.yaml"), "utf8");
  const manifests = await readFile(join(repository, "fixtures/watch/checkout.yaml"));
  await writeFile(join(folder, "watchers.yaml"), manifests);
});
after(() => rm(folder, { recursive: true, force: true }));

const inFiles = ["--manifests", "watchers.yaml"];

async function runCases(text: string, more: readonly string[] = inFiles, name = "checkout") {
  await writeFile(join(folder, "t.yaml"), text);
  return runOnStreams(["watch", "test", name, "-f", "t.yaml", ...more], { cwd: folder });
}

test("the fixture is as expected", async () => {
  const { stdout, stderr, exitCode } = await runCases(cases);
  assert.equal(
    stdout,
    `ok three bad polls wake once, and one good poll tells that it is over
ok two bad polls are forgiven
ok a server that does not answer has no status
ok within the cooldown nobody is woken, so nobody is told that it is over
ok a closed gateway is told by its own watcher
5 cases, all as expected
`,
  );
  assert.deepEqual([exitCode, stderr], [0, ""]);
});

test("what differs is told with its place, what was expected and what came", async () => {
  const changed = cases
    .replace("at: 60s, state: pending", "at: 60s, state: firing")
    .replace("wake: checkout answers 503", "wake: checkout answers 502")
    .replace(/ {6}- \{ at: 150s.*\n/, "");
  const { stdout, exitCode } = await runCases(changed, [...inFiles, "--filter", "wake once"]);
  assert.equal(
    stdout,
    `not ok three bad polls wake once, and one good poll tells that it is over
  t.yaml:8:11: at 1m
    - state firing
    + state pending
  t.yaml:9:11: at 1m30s
    - wake "checkout answers 502"
    + wake "checkout answers 503"
  t.yaml:2:5: at 2m30s
    - nothing
    + recovered, wake "checkout answers 200 again"
1 case, 1 failed (- expected, + came)
`,
  );
  assert.equal(exitCode, 1);
});

test("long names and texts are broken at 80 columns", async () => {
  const name = "a name of many words ".repeat(9).trim();
  const text = `cases:\n  - name: ${name}\n    samples: [{ status: 200 }]\n    expect: [{ at: 0s, wake: "${"very long text ".repeat(12)}" }]\n`;
  const { stdout } = await runCases(text);
  assert.deepEqual(
    stdout.split("\n").filter((line) => line.length > 80),
    [],
  );
  assert.match(stdout, /^not ok a name of many words/);
});

test("as data it has every case and every difference", async () => {
  const changed = cases.replace("wake: checkout answers 503", "wake: checkout answers 502");
  const { stdout, exitCode } = await runCases(changed, [...inFiles, "-o", "json"]);
  assert.equal(exitCode, 1);
  const { ok, cases: results } = JSON.parse(stdout);
  assert.equal(ok, false);
  assert.deepEqual(
    results.map((result: { ok: boolean; polls: number }) => [result.ok, result.polls]),
    [
      [false, 6],
      [true, 3],
      [true, 3],
      [true, 8],
      [true, 4],
    ],
  );
  assert.deepEqual(results[0].differences, [
    {
      ...{ at: "1m30s", place: "t.yaml:9:11" },
      expected: 'wake "checkout answers 502"',
      actual: 'wake "checkout answers 503"',
    },
  ]);
});

test("a watcher that was applied is found in the state folder", async () => {
  const spec = {
    ...{ type: "tcpProbe", host: "h", port: 1, interval: "10s", timezone: "UTC" },
    trigger: "when not open for 2 polls then wake",
  };
  await seedStateFolder(join(folder, ".legion"), [{ kind: "Watcher", name: "network", spec }]);
  const text = `cases:
  - name: closed
    samples: [{ open: false, repeat: 2 }]
    expect: [{ at: 10s, fire: edge, wake: true }]
`;
  const { stdout, stderr, exitCode } = await runCases(text, [], "watcher/network");
  assert.deepEqual([stdout, exitCode], ["ok closed\n1 case, all as expected\n", 0]);
  assert.match(stderr, /no daemon runs here/);
  const missing = await runCases(text, ["-q"], "netwrk");
  assert.match(missing.stderr, /LEG6030[\s\S]*did you mean "network"\?/);
  assert.equal(missing.exitCode, 1);
});

test("a custom watcher has the names that its tool declares", async () => {
  const stateDir = join(folder, "custom");
  const returns = { type: "object", properties: { depth: { type: "integer" } } };
  const watcher = {
    ...{ type: "custom", tool: "queue.look", interval: "10s", timezone: "UTC" },
    trigger: "when depth > 3 then silent",
  };
  const functions = { look: { description: "Looks.", returns } };
  const tool = { type: "js", source: "export const look = () => ({ depth: 4 });", functions };
  await seedStateFolder(stateDir, [
    { kind: "Watcher", name: "queue", spec: watcher },
    { kind: "Tool", name: "queue", spec: tool },
  ]);
  const text = (sample: string) =>
    `cases:\n  - name: deep\n    samples: [{ ${sample} }]\n    expect: [{ at: 0s, actions: [silent] }]\n`;
  const words = ["--state-dir", stateDir, "-q"];
  const good = await runCases(text("depth: 4"), words, "queue");
  assert.deepEqual([good.stdout, good.exitCode], ["ok deep\n1 case, all as expected\n", 0]);
  assert.match((await runCases(text("dept: 4"), words, "queue")).stderr, /did you mean depth\?/);
});

const refused: readonly {
  readonly name: string;
  readonly words: readonly string[];
  readonly exitCode: number;
  readonly says: RegExp;
}[] = [
  { name: "no watcher", words: [], exitCode: 2, says: /needs the name of a watcher/ },
  { name: "no file", words: ["checkout"], exitCode: 2, says: /needs a file of cases[\s\S]*-f/ },
  {
    name: "another kind",
    words: ["agent/oncall", "-f", "t.yaml"],
    exitCode: 2,
    says: /takes a watcher, and agent\/oncall is none/,
  },
  {
    name: "a file that is not there",
    words: ["checkout", "-f", "none.yaml"],
    exitCode: 1,
    says: /LEG7336\]: none\.yaml/,
  },
  {
    name: "a name that no watcher of the manifests has",
    words: ["chekout", "-f", "good.yaml", ...inFiles],
    exitCode: 1,
    says: /LEG6030[\s\S]*did you mean "checkout"\?/,
  },
  {
    name: "a filter that no case has",
    words: ["checkout", "-f", "good.yaml", ...inFiles, "--filter", "two bad poll are forgiven"],
    exitCode: 1,
    says: /LEG7333[\s\S]*did you mean "two bad polls are forgiven"\?/,
  },
  {
    name: "a file that is not right",
    words: ["checkout", "-f", "bad.yaml", ...inFiles],
    exitCode: 1,
    says: /^bad\.yaml:2:5: error\[LEG7332\]: unknown field "nam"\n.*\n.*\n {4}\| {5}\^\^\^\n {2}did you mean "name"\?/m,
  },
];

for (const { name, words, exitCode, says } of refused) {
  test(`refused: ${name}`, async () => {
    await writeFile(join(folder, "good.yaml"), cases);
    await writeFile(join(folder, "bad.yaml"), "cases:\n  - nam: x\n    samples: [{}]\n");
    const printed = await runOnStreams(["watch", "test", ...words], { cwd: folder });
    assert.match(printed.stderr, says);
    assert.deepEqual([printed.exitCode, printed.stdout], [exitCode, ""]);
  });
}

test("a file that is not right is data too", async () => {
  const { stdout, exitCode } = await runCases("cases: []\n", [...inFiles, "-o", "json"]);
  assert.equal(exitCode, 1);
  const { ok, diagnostics } = JSON.parse(stdout);
  assert.equal(ok, false);
  assert.equal(diagnostics[0].code, "LEG7332");
});
