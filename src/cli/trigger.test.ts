// Goal: triggers can be checked, tried and explored without a watcher; what is wrong is told with its place, and every display fits 80 columns.
// Method: run the commands on streams and compare what they print, word for word where people read it.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { repository } from "../testing/command.ts";
import { type Printed, runOnStreams, type StreamOptions } from "../testing/command-streams.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-trigger-"));
});
after(() => rm(folder, { recursive: true, force: true }));

async function run(words: readonly string[], options: Partial<StreamOptions> = {}) {
  const { stdout, stderr, exitCode } = await runOnStreams(words, { cwd: folder, ...options });
  const printed: Printed = {
    exitCode,
    stdout: stripVTControlCharacters(stdout),
    stderr: stripVTControlCharacters(stderr),
  };
  return printed;
}

function assertFits(text: string, width = 80): void {
  assert.deepEqual(
    text.split("\n").filter((line) => stringWidth(line) > width),
    [],
  );
}

const http = ["--source", "httpPoll"];

test("check prints the canonical form and the typed tree", async () => {
  const text =
    "status>=500 && latency>1s for 3 polls cooldown 600s then wake 'checkout answers {{status}}'";
  const { stdout, stderr, exitCode } = await run(["trigger", "check", text, ...http]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.equal(
    stdout,
    `ok
when status >= 500 and latency > 1s for 3 polls cooldown 10m then wake
  "checkout answers {{status}}"

EXPRESSION                      TYPE
status >= 500 and latency > 1s  bool
├─ status >= 500                bool
│  └─ status                    number
└─ latency > 1s                 bool
   └─ latency                   duration
`,
  );
});

test("check tells every mistake with its place, a frame and the next step", async () => {
  const { stdout, stderr, exitCode } = await run([
    ...["trigger", "check", "when statu >= 500 and\n  latency > 5", ...http],
  ]);
  assert.deepEqual([exitCode, stdout], [1, ""]);
  assert.equal(
    stderr,
    `1:6: error[E401]: unknown name statu
  1 | when statu >= 500 and
    |      ^^^^^
  did you mean status?

2:11: error[E202]: cannot compare duration with number
  2 |   latency > 5
    |           ^
  write a unit, such as 5ms
`,
  );
});

test("check reads a file or stdin, and gives data", async () => {
  await writeFile(join(folder, "t.trigger"), "not open for 2 polls\n");
  const ofFile = ["trigger", "check", "-f", "t.trigger", "--source", "tcpProbe", "-o", "json"];
  const { stdout } = await run(ofFile);
  assert.deepEqual(JSON.parse(stdout), {
    ok: true,
    errors: [],
    canonical: "when not open for 2 polls",
    tree: [
      { depth: 0, text: "not open", type: "bool" },
      { depth: 1, text: "open", type: "bool" },
    ],
  });
  const options = { stdin: "opn" };
  const wrong = await run(["trigger", "check", "-", "--source", "tcpProbe", "-o", "json"], options);
  assert.equal(wrong.exitCode, 1);
  const { ok, errors } = JSON.parse(wrong.stdout);
  assert.equal(ok, false);
  const { code, line, column, start, end } = errors[0];
  assert.deepEqual(
    { code, line, column, start, end },
    {
      ...{ code: "E401", line: 1, column: 1, start: 0, end: 3 },
    },
  );
  await writeFile(join(folder, "t.trigger"), "opn\n");
  assert.match((await run(ofFile.slice(0, -2))).stderr, /^t\.trigger:1:1: error\[E401\]/);
});

test("check --format prints the canonical form only", async () => {
  const printed = await run(["trigger", "check", "( not ok )", ...http, "--format"]);
  assert.deepEqual(printed, { exitCode: 0, stdout: "when not ok\n", stderr: "" });
});

test("check takes the names of a custom source from a schema", async () => {
  const schema = { type: "object", properties: { depth: { type: "integer" } } };
  await writeFile(join(folder, "s.json"), JSON.stringify(schema));
  const custom = ["--source", "custom", "--schema", "s.json"];
  assert.equal((await run(["trigger", "check", "depth > 3", ...custom])).exitCode, 0);
  const { stderr } = await run(["trigger", "check", 'dept > "x"', ...custom]);
  assert.match(stderr, /did you mean depth\?/);
});

test("the tree of a long or deep trigger keeps its shape within the width of the terminal", async () => {
  const deep = `${"not (".repeat(25)}status > ${"1 + ".repeat(60)}1${")".repeat(25)}`;
  for (const columns of [80, 120, 60]) {
    const { stdout } = await run(["trigger", "check", deep, ...http], { columns });
    const [, tree = ""] = stdout.split("\n\n");
    assertFits(tree, columns);
    assert.match(tree, /\n└not /);
    assert.match(tree, /\n {20,}└.*bool/);
  }
});

const refused: readonly {
  readonly name: string;
  readonly words: readonly string[];
  readonly exitCode: number;
  readonly says: RegExp;
}[] = [
  { name: "no trigger", words: ["check", ...http], exitCode: 2, says: /there is no trigger/ },
  {
    name: "no source",
    words: ["check", "ok"],
    exitCode: 2,
    says: /--source is missing[\s\S]*tcpP/,
  },
  {
    name: "an unknown source",
    words: ["check", "ok", "--source", "http"],
    exitCode: 2,
    says: /did you mean httpPoll\?/,
  },
  {
    name: "an unknown zone",
    words: ["check", "ok", ...http, "--timezone", "Oslo"],
    exitCode: 2,
    says: /--timezone does not know "Oslo"[\s\S]*Europe\/Oslo/,
  },
  {
    name: "a trigger twice",
    words: ["check", "ok", "-f", "t", ...http],
    exitCode: 2,
    says: /not both/,
  },
  {
    name: "a file that is not there",
    words: ["check", "-f", "none.trigger", ...http],
    exitCode: 1,
    says: /LEG7336\]: none\.trigger/,
  },
  {
    name: "a schema of another source",
    words: ["check", "ok", ...http, "--schema", "s.json"],
    exitCode: 2,
    says: /--source custom only/,
  },
  { name: "an unknown word", words: ["chekc"], exitCode: 2, says: /mean "legion trigger check"/ },
  { name: "no word", words: [], exitCode: 2, says: /needs a word[\s\S]*legion trigger repl/ },
  {
    name: "a manifest in place of a trigger",
    words: ["check", "-f", "fixtures/watch/checkout.yaml", ...http],
    exitCode: 2,
    says: /is a manifest[\s\S]*legion validate fixtures\/watch\/checkout\.yaml/,
  },
  {
    name: "no samples at all",
    words: ["eval", "ok", ...http],
    exitCode: 1,
    says: /LEG7331\]: there is no sample\n/,
  },
  {
    name: "both from stdin",
    words: ["eval", "-", ...http],
    exitCode: 2,
    says: /cannot both come from standard input/,
  },
  {
    name: "an unknown function",
    words: ["functions", "sise"],
    exitCode: 1,
    says: /LEG7334[\s\S]*did you mean size\?/,
  },
];

for (const { name, words, exitCode, says } of refused) {
  test(`refused: ${name}`, async () => {
    const printed = await run(["trigger", ...words], { cwd: repository });
    assert.match(printed.stderr, says);
    assert.deepEqual([printed.exitCode, printed.stdout], [exitCode, ""]);
  });
}

test("samples may stand in the command itself", async () => {
  const words = ["trigger", "eval", "status >= 500", ...http, "--sample"];
  assert.equal((await run([...words, '{"status":503}'])).stdout, "true\n");
  assert.match(
    (await run([...words, '[{"status":200},{"status":503}]'])).stdout,
    /false\n.*true\n$/,
  );
});

const values: readonly (readonly [expression: string, sample: string, stdout: string])[] = [
  ["status >= 500", '{"status":503}', "true\n"],
  ["latency", '{"latency":"1s500ms"}', "1s500ms\n"],
  ["text", '{"text":"missing"}', '"missing"\n'],
  ["text", "{}", "missing\n"],
  ["body.items", '{"body":{"items":[1,{"a":null}]}}', '[1,{"a":null}]\n'],
  ["not ok", '{"error":{"code":"x","message":"y"}}', "true\n"],
];

for (const [expression, stdin, stdout] of values) {
  test(`eval: ${expression} of ${stdin}`, async () => {
    const printed = await run(["trigger", "eval", expression, ...http], { stdin });
    assert.deepEqual(printed, { exitCode: 0, stdout, stderr: "" });
  });
}

test("an error of the data ends with exit code 1", async () => {
  const stdin = '{"body":{"count":"many"}}';
  const { exitCode, stdout } = await run(["trigger", "eval", "body.count > 3", ...http], { stdin });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^error: .*string/);
});

const polls = ["200", "503", "503", "503", "200"].map((status) => `{"status":${status}}`);

test("eval of a trigger tells what it does at each poll, and with --explain every value", async () => {
  const text = 'status >= 500 for 2 polls every poll cooldown 1m then wake "bad {{status}}"';
  const words = ["trigger", "eval", text, ...http, "--explain"];
  const { stdout, exitCode } = await run(words, { stdin: polls.join("\n"), columns: 80 });
  assert.equal(exitCode, 0);
  assert.equal(
    stdout,
    `AT     STATE    VALUE  WHAT IT DID
0s     idle     false
30s    pending  true
1m     firing   true   fire edge: wake "bad 503"
1m30s  firing   true   poll held back by cooldown
2m     idle     false  ended

EXPRESSION     TYPE    VALUE
status >= 500  bool    false
└─ status      number  200
`,
  );
});

test("eval takes moments, and gives data", async () => {
  const samples = [
    { at: "2026-01-05T08:59:00Z", status: 503 },
    { at: "2026-01-05T09:00:00Z", status: 503 },
  ];
  await writeFile(join(folder, "polls.json"), JSON.stringify(samples));
  const text = 'status >= 500 between 09:00 and 17:00 on mon then message:ops "{{status}}"';
  const words = ["trigger", "eval", text, ...http, "--sample", "polls.json"];
  const shown = await run(words);
  assert.match(shown.stdout, /^2026-01-05T08:59:00Z +firing +true +edge held back by window$/m);
  assert.match(shown.stdout, /^2026-01-05T09:00:00Z .*fire edge, deferred: message:ops "503"$/m);
  const { polls: data } = JSON.parse((await run([...words, "-o", "json"])).stdout);
  assert.deepEqual(
    data.map(({ at, state }: { at: string; state: string }) => [at, state]),
    [
      ["2026-01-05T08:59:00Z", "firing"],
      ["2026-01-05T09:00:00Z", "firing"],
    ],
  );
  assert.deepEqual(data[1].texts, ['message:ops "503"']);
});

test("history of an expression is that of the polls before", async () => {
  const { stdout } = await run(["trigger", "eval", "delta(status)", ...http], {
    stdin: '[{"status":200},{"status":503},{"at":"5m","status":500}]',
  });
  assert.equal(stdout, "0s  missing\n30s  303\n5m  -3\n");
});

const samplesRefused: readonly (readonly [stdin: string, says: RegExp])[] = [
  ["", /no sample|no JSON/],
  ["[]", /there is no sample/],
  ["{", /samples are no JSON/],
  ['{"ok":true}\n{', /line 2 of the samples is no JSON/],
  ["[{}, 3]", /sample 2 is no object/],
  ['{"statu":200}', /sample 1: .*"statu"[\s\S]*did you mean status\?/],
  ['{"status":"200"}', /status must be a number/],
  ['[{"at":"1m"},{"at":"30s"}]', /sample 2: .*does not come after/],
];

for (const [stdin, says] of samplesRefused) {
  test(`eval refuses the samples ${JSON.stringify(stdin)}`, async () => {
    const { exitCode, stderr } = await run(["trigger", "eval", "ok", ...http], { stdin });
    assert.match(stderr, says);
    assert.match(stderr, /LEG7331/);
    assert.equal(exitCode, 1);
  });
}

test("the functions fit 80 columns, each with what it does", async () => {
  const all = await run(["trigger", "functions"]);
  assertFits(all.stdout);
  assert.match(all.stdout, /^ {2}rate {2,}how much the number grows/m);
  const { stdout } = await run(["trigger", "functions", "exists"]);
  assert.match(stdout, /^exists\(any\) bool\n {2}\S[\s\S]*^\.exists\(list\|map/m);
  const data = JSON.parse((await run(["trigger", "functions", "rate", "-o", "json"])).stdout);
  assert.equal(data.kind, "history");
});

/** Runs lines through the prompt. */
function prompt(lines: readonly string[], words: readonly string[] = http) {
  return run(["trigger", "repl", ...words], { stdin: `${lines.join("\n")}\n` });
}

test("the prompt follows a trigger from poll to poll", async () => {
  const printed = await prompt([
    ':poll {"status":200}',
    'status >= 500 for 2 polls then wake "bad {{status}}"',
    ':poll {"status":503}',
    ":time 2m",
    ":poll",
    "prev(status) == 503",
    ':sample {"status":204}',
    ":poll",
    ":sample",
  ]);
  assert.deepEqual(printed, {
    exitCode: 0,
    stderr: "",
    stdout: `poll at 0s
AT      STATE    VALUE    WHAT IT DID
0s      idle     false
30s     pending  true
the next poll is at 2m30s
2m30s   firing   true     fire edge: wake "bad 503"
true
3m      idle     false
{"at":"3m","status":204}
`,
  });
});

test("the prompt tells types, names, functions and its own commands", async () => {
  const { stdout, exitCode } = await prompt([
    ":type latency",
    ":type body.a",
    ":functions size",
    ":source tcpProbe",
    ":roots",
    ":help",
    ":quit",
    "never reached",
  ]);
  assert.equal(exitCode, 0);
  assertFits(stdout);
  assert.match(stdout, /^duration\ndyn\nsize\(/);
  assert.match(stdout, /^ {2}open +bool$/m);
  assert.doesNotMatch(stdout, /^ {2}status /m);
  for (const word of ["sample", "poll", "time", "type", "roots", "functions", "source", "reset"])
    assert.match(stdout, new RegExp(`^ {2}:${word}\\b`, "m"));
});

test("the prompt goes on after a mistake, which the exit code tells in the end", async () => {
  const { stdout, stderr, exitCode } = await prompt([
    "statu",
    "status > 3 for",
    ":pol",
    ":poll {",
    ':poll {"status":"x"}',
    ":time soon",
    ":source http",
    ":functions sise",
    "1 + 1",
  ]);
  assert.equal(stdout, "2\n");
  assert.equal(exitCode, 1);
  for (const says of [
    /1:1: error\[E401\]: unknown name statu\n {2}1 \| statu\n {4}\| \^{5}\n {2}did you mean status\?/,
    /error\[E104\]/,
    /LEG7335.*:pol\n.*did you mean :poll\?/,
    /LEG7331.*no JSON/,
    /LEG7331.*status must be a number/,
    /LEG7335.*:time does not take "soon"/,
    /LEG7001.*no source "http"/,
    /LEG7334.*"sise"/,
  ])
    assert.match(stderr, says);
});

test("the prompt begins with the samples of a file, and forgets them when it is told to", async () => {
  await writeFile(join(folder, "s.jsonl"), polls.join("\n"));
  const words = [...http, "--sample", "s.jsonl"];
  const { stdout } = await prompt(["sum(status, 5 polls)", ":reset", "status"], words);
  assert.equal(stdout, "1909\nmissing\n");
});

test("no line ends the prompt, or is a bug of it", async () => {
  const pieces = [
    ...[":poll", ":sample", ":time", ":type", ":source", ":functions", ":", "when", "for 2 polls"],
    ...[
      "status",
      ">=",
      "{",
      "}",
      '"',
      "(",
      ")",
      '{"at":"9s"}',
      '{"status":1}',
      "prev(",
      "1h",
      "[]",
    ],
    ...["body.a", "then wake", "cooldown", "\u001b[2J", "日本", "\\", "null", "-1", "5 polls", "%"],
  ];
  let seed = 11;
  const pick = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return pieces[seed % pieces.length] ?? "";
  };
  const lines = Array.from({ length: 400 }, (_, index) =>
    Array.from({ length: 1 + (index % 5) }, pick).join(index % 2 === 0 ? " " : ""),
  );
  const { stdout, stderr } = await runOnStreams(["trigger", "repl", ...http], {
    cwd: folder,
    stdin: `${lines.join("\n")}\n\n20 + 22\n`,
  });
  assert.ok(stdout.endsWith("\n42\n"), stdout.slice(-200));
  assert.doesNotMatch(stderr, /LEG9001/);
  assert.ok(!`${stdout}${stderr}`.includes("\u001b[2J"), "what was typed reaches no terminal raw");
});
