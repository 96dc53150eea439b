// Goal: a shell completes commands, flags, their values, kinds and the names of objects.
// Method: source the real script in a real bash over a real state folder; other shells run theirs where they are installed.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execute, repository } from "../testing/command.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { seedStateFolder } from "../testing/state-folder.ts";
import { shells } from "./completion-scripts.ts";

const probe = { type: "tcpProbe", host: "db", port: 5432, trigger: "not ok then silent" };
const spec = { model: "m", instructions: "Help.", description: "It helps." };
let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-completion-"));
  await seedStateFolder(join(folder, ".legion"), [
    { kind: "Agent", name: "reviewer", spec },
    { kind: "Agent", name: "writer", spec },
    { kind: "Agent", name: "elsewhere", namespace: "team", spec },
    { kind: "Watcher", name: "checkout", spec: probe },
    { kind: "Cron", name: "nightly", spec: { schedule: "@daily", tool: "clock.now" } },
    { kind: "Tool", name: "clock", spec: { type: "builtin", builtin: "now" } },
  ]);
  const program = `#!/bin/sh\nexec '${process.execPath}' '${repository}src/main.ts' "$@"\n`;
  await writeFile(join(folder, "legion"), program, { mode: 0o755 });
});

after(() => rm(folder, { recursive: true, force: true }));

async function candidates(...words: string[]): Promise<string[]> {
  const { exitCode, stdout, stderr } = await runOnStreams(["__complete", "--", ...words], {
    cwd: folder,
  });
  assert.deepEqual([exitCode, stderr], [0, ""]);
  return stdout.split("\n").flatMap((line) => line.split("\t")[0] || []);
}

const table: readonly (readonly [words: string[], expected: string[]])[] = [
  [["desc"], ["describe"]],
  [["roll"], ["rollout"]],
  [
    ["rollout", ""],
    ["status", "history", "undo", "restart"],
  ],
  [["rollout", "s"], ["status"]],
  [["help", "val"], ["validate"]],
  [["--ver"], ["--version"]],
  [["get", "ag"], ["agents"]],
  [
    ["get", "agent/"],
    ["agent/reviewer", "agent/writer"],
  ],
  [["get", "ag/w"], ["ag/writer"]],
  [["get", "agent", "w"], ["writer"]],
  [["get", "-o", "json", "agents", "r"], ["reviewer"]],
  [
    ["get", "agent/writer", ""],
    ["agent/reviewer", "agent/writer", "cron/nightly", "tool/clock", "watcher/checkout"],
  ],
  [["get", "-n", "team", "agent/"], ["agent/elsewhere"]],
  [["get", "agents", "-n", "t"], ["team"]],
  [["get", "nothing/"], []],
  [
    ["get", "agents", "-o", "j"],
    ["json", "jsonpath="],
  ],
  [["get", "agents", "--output", "=", "ya"], ["yaml"]],
  [["get", "agents", "--output=ya"], ["--output=yaml"]],
  [
    ["get", "agents", "--wat"],
    ["--watch", "--watch-only"],
  ],
  [["get", "agents", "--watch", "--watch-"], ["--watch-only"]],
  [["get", "--", ""], []],
  [
    ["logs", "a"],
    ["agent/reviewer", "agent/writer"],
  ],
  [["tell", "agent/r"], ["agent/reviewer"]],
  ...["pause", "resume", "stop", "restart", "scale", "interrupt", "chat", "attach"].map(
    (verb): [string[], string[]] => [[verb, "agent/w"], ["agent/writer"]],
  ),
  [["inbox", "redrive", "agent/w"], ["agent/writer"]],
  [["get", "qu"], ["questions"]],
  // Only a daemon knows them.
  [["runs", "show", ""], []],
  [["respond", ""], []],
  [["conversations", "show", "agent/writer", ""], []],
  [["wait", "agent/writer", "--for", "d"], ["delete"]],
  [["events", "--for", "tool/"], ["tool/clock"]],
  [["events", "--about", "r"], ["run"]],
  [["explain", "pr"], ["provider"]],
  [["explain", "tri"], ["trigger"]],
  [["explain", "trigger", "ch"], ["checkout"]],
  [["explain", "trigger", "watcher/"], ["watcher/checkout"]],
  [["watch", "test", ""], ["checkout"]],
  [
    ["silence", ""],
    ["list", "remove", "checkout"],
  ],
  [["silence", "remove", "c"], ["checkout"]],
  [["silence", "checkout", ""], []],
  [["cron", "next", ""], ["nightly"]],
  [["cron", "trigger", "cron/"], ["cron/nightly"]],
  [["cron", "ticks", "n"], ["nightly"]],
  [["cron", "resume", "nightly", ""], []],
  [["trigger", "check", "--source", "k"], ["kvWatch"]],
  [["trigger", "--source=tcp"], ["--source=tcpProbe"]],
  [["trigger", "functions", "pre"], ["prev"]],
  [["completion", ""], [...shells]],
  [["validate", ""], []],
  [["nothing", ""], []],
  [["get", "agent/", "--state-dir", "nowhere", "agent/"], []],
];

for (const [words, expected] of table) {
  test(`legion ${words.join(" ")}<TAB>`, async () => {
    assert.deepEqual(await candidates(...words), expected);
  });
}

test("every command and every flag of it is offered", async () => {
  const words = await candidates("");
  assert.ok(["init", "run", "get", "completion", "help"].every((word) => words.includes(word)));
  const flags = await candidates("get", "--");
  assert.ok(
    ["--namespace", "--selector", "--sort-by", "--help"].every((flag) => flags.includes(flag)),
  );
});

test("bash completes with the script that it sourced", async () => {
  const complete = (...words: string[]) => {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const script = [
      "source <(legion completion bash)",
      "complete -p legion >/dev/null || exit 9",
      `COMP_WORDS=(legion ${quoted}) COMP_CWORD=${words.length}`,
      "_legion",
      "printf '%s\\n' \"${COMPREPLY[@]}\"",
    ].join("\n");
    const env = { PATH: `${folder}:${process.env.PATH}` };
    return execute("bash", ["--norc", "-c", script], { cwd: folder, env });
  };
  const names = await complete("describe", "agent/");
  assert.deepEqual([names.exitCode, names.stderr], [0, ""]);
  assert.equal(names.stdout, "agent/reviewer\nagent/writer\n");
  assert.equal((await complete("wai")).stdout, "wait\n");
  assert.equal((await complete("validate", "")).stdout, "\n");
});

for (const shell of shells) {
  test(`the script of ${shell} asks for candidates and is told how to be used`, async () => {
    const { exitCode, stdout } = await runOnStreams(["completion", shell], { cwd: folder });
    assert.equal(exitCode, 0);
    assert.match(stdout, /__complete -- /);
    assert.match(stdout, new RegExp(`legion completion ${shell}`));
  });

  test(`${shell} takes its script, where it is installed`, async () => {
    const { stdout } = await runOnStreams(["completion", shell], { cwd: folder });
    const file = join(folder, `completion.${shell}`);
    await writeFile(file, stdout);
    const installed = await execute("sh", ["-c", `command -v ${shell}`], { cwd: folder });
    if (installed.exitCode !== 0) return;
    const { exitCode, stderr } = await execute(shell, ["-n", file], { cwd: folder });
    assert.deepEqual([exitCode, stderr], [0, ""]);
  });
}

test("a shell that has no script is refused with those that have", async () => {
  const wrong = await runOnStreams(["completion", "basch"], { cwd: folder });
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /LEG7019.*basch[\s\S]*did you mean "bash"/);
  const none = await runOnStreams(["completion"], { cwd: folder });
  assert.equal(none.exitCode, 2);
});
