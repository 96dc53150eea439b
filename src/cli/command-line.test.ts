// Goal: every command helps itself, says what was wrong with its words, and ends with the documented exit code.
// Method: run the real command line, from source, in processes of its own; check help pages against 80 columns.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { codes } from "../lib/codes.ts";
import { kindNames } from "../manifest/kinds.ts";
import { legion, repository } from "../testing/command.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { builtinNames } from "./builtin-text.ts";
import { commands } from "./commands.ts";

let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-cli-"));
});

after(() => rm(folder, { recursive: true, force: true }));

const words = commands.map(({ name }) => name);

for (const word of ["", ...words]) {
  test(`legion ${word} --help goes to stdout, fits 80 columns and has examples`, async () => {
    const { exitCode, stdout, stderr } = await legion([
      ...word.split(" ").filter(Boolean),
      "--help",
    ]);
    assert.equal(exitCode, 0);
    assert.equal(stderr, "");
    const [before = "", examples = ""] = stdout.split("Examples:\n");
    assert.deepEqual(
      before.split("\n").filter((line) => line.length > 80),
      [],
    );
    const isPipeline = (line: string) => line.includes("&&");
    assert.deepEqual(
      examples.split("\n").filter((line) => line.length > 80 && !isPipeline(line)),
      [],
    );
    assert.ok((examples.match(/^ {2}# /gm) ?? []).length >= 2, "two examples");
  });
}

for (const { name, description, load } of commands) {
  test(`the table of commands says of ${name} what its class says`, async () => {
    const { paths = [], usage } = await load();
    assert.deepEqual(
      paths.map((path) => path.join(" ")),
      [name],
    );
    assert.equal(usage?.description, description);
  });
}

test("every command is in the table", async () => {
  const folder = new URL(".", import.meta.url);
  const files = (await readdir(folder)).filter((file) => /(?<!\.test)\.ts$/.test(file));
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  const found = texts.flatMap((text) =>
    [...text.matchAll(/static override paths = \[\[(.*)\]\]/g)].map(([, path = ""]) =>
      path.replaceAll(/"|,/g, ""),
    ),
  );
  assert.deepEqual(found.toSorted(), words.toSorted());
});

for (const words of [
  ["rollout", "--help"],
  ["help", "rollout"],
]) {
  test(`legion ${words.join(" ")} lists the commands of the group in 80 columns`, async () => {
    const { exitCode, stdout, stderr } = await legion(words);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.match(stdout, /^ {2}rollout status {2,}\w/m);
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.length > 80),
      [],
    );
  });
}

test("--version prints the version of the package and nothing else", async () => {
  const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
  const { stdout, stderr } = await legion(["--version"]);
  assert.deepEqual([stdout, stderr], [`${manifest.version}\n`, ""]);
});

test("version prints the same, and data where data is asked for", async () => {
  const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
  const { version } = manifest;
  const data = await legion(["version", "-o", "json"]);
  assert.deepEqual([data.exitCode, JSON.parse(data.stdout)], [0, { version }]);
  assert.equal((await legion(["version", "-o", "text"])).stdout, `${version}\n`);
});

test("on a terminal an error is broken at its width, and elsewhere not", async () => {
  const argv = ["get", "agents", "--lables"];
  const narrow = await runOnStreams(argv, { cwd: folder, columns: 60 });
  const lines = stripVTControlCharacters(narrow.stderr).split("\n");
  assert.ok(lines.length > 5 && lines.every((line) => line.length <= 60), narrow.stderr);
  const whole = await runOnStreams(argv, { cwd: folder });
  assert.equal(whole.stderr.split("\n").length, 4);
  assert.match(whole.stderr, /use one of: .*--selector.*--show-labels/);
});

const wrong: { name: string; args: string[]; exitCode: number; stderr: RegExp }[] = [
  {
    name: "an unknown command",
    args: ["vaildate"],
    exitCode: 2,
    stderr: /no command "vaildate"\n.*did you mean "legion validate"\?/,
  },
  {
    name: "an unknown flag",
    args: ["run", "agent/a", "--modle", "x"],
    exitCode: 2,
    stderr: /has no flag --modle\n.*did you mean --model\?/,
  },
  {
    name: "an unknown flag instead of a command",
    args: ["--frobnicate"],
    exitCode: 2,
    stderr: /LEG7001.*"--frobnicate" before a command\n.*use one of: --help, --version/,
  },
  { name: "-v", args: ["-v"], exitCode: 2, stderr: /did you mean "legion -V"\?/ },
  {
    name: "an unknown format",
    args: ["validate", "-o", "xml"],
    exitCode: 2,
    stderr: /-o does not know the format "xml"\n.*json/,
  },
  { name: "too many words", args: ["init", "a", "b"], exitCode: 2, stderr: /LEG7001.*legion init/ },
  {
    name: "a group of commands without the second word",
    args: ["rollout"],
    exitCode: 2,
    stderr: /legion rollout needs a word after it\n.*legion rollout status/,
  },
  {
    name: "an unknown second word",
    args: ["rollout", "statsu", "agent/a"],
    exitCode: 2,
    stderr: /no command "rollout statsu"\n.*did you mean "legion rollout status"\?/,
  },
  {
    name: "an unknown flag of a command of two words",
    args: ["rollout", "status", "agent/a", "--timout", "1s"],
    exitCode: 2,
    stderr: /legion rollout status has no flag --timout\n.*did you mean --timeout\?/,
  },
  {
    name: "a word too many after two words",
    args: ["rollout", "restart", "agent/a", "b"],
    exitCode: 2,
    stderr: /legion rollout restart takes 1 word.*"b" is one too many/,
  },
  { name: "run without a reference", args: ["run"], exitCode: 2, stderr: /LEG7002/ },
  {
    name: "run of a kind that does not run",
    args: ["run", "tool/files"],
    exitCode: 2,
    stderr: /"tool\/files" is not something to run/,
  },
  {
    name: "a word too many",
    args: ["run", "agent/a", "b", "c"],
    exitCode: 2,
    stderr: /legion run takes 2 words.*"c" is one too many/,
  },
  {
    name: "a flag without its value",
    args: ["run", "agent/a", "--timeout"],
    exitCode: 2,
    stderr: /--timeout needs a value/,
  },
  {
    name: "no time at all",
    args: ["run", "agent/assistant", "x", "--timeout", "0s"],
    exitCode: 2,
    stderr: /above 0/,
  },
  {
    name: "manifests and task both from stdin",
    args: ["run", "agent/a", "-", "-f", "-"],
    exitCode: 2,
    stderr: /cannot both be read from stdin/,
  },
  {
    name: "help for a command that is not there",
    args: ["help", "validat"],
    exitCode: 2,
    stderr: /did you mean "legion validate"\?/,
  },
  {
    name: "a folder that is a file",
    args: ["init", "package.json"],
    exitCode: 1,
    stderr: /LEG7010.*package\.json cannot be made/,
  },
  {
    name: "run of a misspelt kind",
    args: ["run", "agnet/assistant"],
    exitCode: 2,
    stderr: /did you mean "agent\/assistant"\?/,
  },
  {
    name: "a timeout without a unit",
    args: ["run", "agent/assistant", "x", "--timeout", "60"],
    exitCode: 2,
    stderr: /--timeout does not take "60"\n.*60s/,
  },
  {
    name: "an input without a name",
    args: ["run", "agent/assistant", "--input", "x"],
    exitCode: 2,
    stderr: /write name=value/,
  },
  {
    name: "an agent that is not there",
    args: ["run", "agent/asistant", "x"],
    exitCode: 1,
    stderr: /LEG7003.*\n.*did you mean "assistant"\?/,
  },
  {
    name: "a field that is not there",
    args: ["explain", "agent.spec.modell"],
    exitCode: 2,
    stderr: /did you mean agent.spec.model\?/,
  },
  {
    name: "a code that is not there",
    args: ["explain", "LEG1"],
    exitCode: 2,
    stderr: /no error code LEG1/,
  },
  {
    name: "a schema that is not there",
    args: ["schema", "agnt"],
    exitCode: 2,
    stderr: /did you mean "agent"\?/,
  },
  {
    name: "a path that is not there",
    args: ["validate", "no/such/folder"],
    exitCode: 1,
    stderr: /no\/such\/folder/,
  },
];

for (const { name, args, exitCode, stderr } of wrong) {
  test(`${name} ends with exit code ${exitCode}, nothing on stdout, and the next step`, async () => {
    const end = await legion(args);
    assert.equal(end.exitCode, exitCode, end.stderr);
    assert.equal(end.stdout, "");
    assert.match(end.stderr, stderr);
    assert.doesNotMatch(end.stderr, /\n\s+at |Internal|Command not found/);
  });
}

test("a folder without any default folder says what to do", async () => {
  const { exitCode, stderr } = await legion(["validate"], { cwd: folder });
  assert.equal(exitCode, 1);
  assert.match(stderr, /LEG7009.*\n.*legion init/);
});

for (const kind of kindNames) {
  test(`explain and schema tell about ${kind}`, async () => {
    const [explained, schema] = await Promise.all([
      legion(["explain", `${kind.toLowerCase()}.spec`, "-o", "json"]),
      legion(["schema", kind]),
    ]);
    const doc = JSON.parse(explained.stdout);
    assert.ok(doc.description.length > 10 && doc.fields.length > 0);
    assert.equal(JSON.parse(schema.stdout).title, kind);
  });
}

for (const name of builtinNames) {
  test(`explain tells about the builtin ${name}: its config and its functions`, async () => {
    const { exitCode, stdout } = await legion(["explain", `builtin.${name}`]);
    assert.equal(exitCode, 0);
    for (const part of ["spec.config", `tools.${name}.`, "->"])
      assert.ok(stdout.includes(part), part);
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.length > 80),
      [],
    );
  });
}

test("explain prints the page of a code, and lists all of them", async () => {
  const [page, list] = await Promise.all([
    legion(["explain", "leg1007"]),
    legion(["explain", "-o", "json"]),
  ]);
  assert.match(page.stdout, /^LEG1007: unknown field/);
  assert.deepEqual(Object.keys(JSON.parse(list.stdout).codes), Object.keys(codes));
});

test("init writes a repository that validates and whose agent answers; it does so once", async () => {
  const started = await legion(["init", "demo", "-o", "json"], { cwd: folder });
  assert.equal(started.exitCode, 0, started.stderr);
  const demo = join(folder, "demo");
  assert.deepEqual((await readdir(demo)).toSorted(), [
    ".gitignore",
    "agents.d",
    "schemas",
    "tools.d",
    "watchers.d",
  ]);
  assert.equal((await legion(["validate"], { cwd: demo })).exitCode, 0);
  const answered = await legion(["run", "agent/assistant", "Hello"], {
    cwd: demo,
    env: { OPENAI_API_KEY: undefined },
  });
  assert.equal(answered.exitCode, 0, answered.stderr);
  assert.match(answered.stderr, /warning/, "the scripted stand-in is no secret");
  const again = await legion(["init", "demo"], { cwd: folder });
  assert.equal(again.exitCode, 1);
  assert.match(again.stderr, /LEG7005.*demo is not empty/);
});

test("--set changes a field for one command, and is checked like the file", async () => {
  const field = "agent/license-auditor.spec.maxIterations";
  const validate = (value: string) =>
    legion(["validate", "fixtures/quickstart", "--set", `${field}=${value}`]);
  assert.equal((await validate("3")).exitCode, 0);
  const wrong = await validate("many");
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stderr, /--set/);
  const words = ["run", "agent/license-auditor", "-f", "fixtures/quickstart", "-q", "--set"];
  const other = await legion([...words, "agent/license-auditor.spec.model=nowhere/none"]);
  assert.match(other.stderr, /nowhere/);
});

test("schema --dir writes what editors need", async () => {
  await legion(["schema", "--dir", "out"], { cwd: folder });
  assert.deepEqual(
    (await readdir(join(folder, "out"))).toSorted(),
    (await readdir(join(repository, "schemas"))).toSorted(),
  );
});

test("validate reads stdin and prints json, github and sarif", async () => {
  const stdin = "apiVersion: legion.dev/v1\nkind: Agnt\nmetadata: { name: a }\n";
  const [text, json, github, sarif] = await Promise.all(
    ["text", "json", "github", "sarif"].map((format) =>
      legion(["validate", "-", "-o", format], { stdin }),
    ),
  );
  assert.match(text?.stderr ?? "", /^<stdin>:2:7: error\[LEG1012\]/);
  const [diagnostic] = JSON.parse(json?.stdout ?? "").diagnostics;
  assert.deepEqual(Object.keys(diagnostic.range.start), ["line", "column", "byte"]);
  assert.equal(diagnostic.code, "LEG1012");
  assert.match(github?.stdout ?? "", /^::error .*line=2,col=7/);
  assert.equal(JSON.parse(sarif?.stdout ?? "").version, "2.1.0");
  for (const { exitCode } of [text, json, github, sarif].filter((end) => end !== undefined))
    assert.equal(exitCode, 1);
});

test("run executes nothing of a set that has an error", async () => {
  const broken = join(folder, "broken");
  await mkdir(broken);
  await writeFile(
    join(broken, "a.yaml"),
    "apiVersion: legion.dev/v1\nkind: Agent\nmetadata: { name: a }\nspec: { description: x, modle: y }\n",
  );
  const { exitCode, stdout, stderr } = await legion(["run", "agent/a", "x", "-f", "broken"], {
    cwd: folder,
  });
  assert.equal(exitCode, 1);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /broken\/a\.yaml:4:25: error\[LEG1007\]: unknown field "modle" in Agent spec/,
  );
});
