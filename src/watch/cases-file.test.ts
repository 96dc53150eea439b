// Goal: a file of cases is understood as it is written, and everything that is wrong in one is told at its place with what to write.
// Method: read texts; compare what came of them, and the diagnostics with their line and column.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rootsOf, type Source } from "../trigger/roots.ts";
import { readCases } from "./cases-file.ts";

function read(text: string, source: Source = "httpPoll", schema?: unknown) {
  const roots = rootsOf(source, schema);
  const options = { source, roots, interval: "30s" };
  return readCases({ shown: "t.yaml", text, skippedBytes: 0 }, options);
}

const one = (fields: string) => `cases:\n  - name: a\n    ${fields}\n`;

test("samples become polls: every interval, at their moment, or repeated", async () => {
  const text = one(
    'samples: [{ status: 1 }, { status: 2, repeat: 2 }, { at: 5m, status: 3, firing: [b] }, { at: "2026-01-01T01:00:00+01:00", repeat: 1 }, {}]',
  );
  const wrong = await read(text);
  assert.match(wrong.diagnostics[0]?.summary ?? "", /does not come after the one at 5m/);
  const { cases, diagnostics } = await read(text.replace("T01:00", "T01:10"));
  assert.deepEqual(diagnostics, []);
  const polls = cases[0]?.polls ?? [];
  assert.deepEqual(
    polls.map(({ offsetMs, sample }) => [offsetMs / 1000, sample.status]),
    [
      [0, 1],
      [30, 2],
      [60, 2],
      [300, 3],
      [600, undefined],
      [630, undefined],
    ],
  );
  assert.deepEqual(polls[3]?.firing, ["b"]);
  assert.deepEqual(cases[0]?.place, "t.yaml:2:5");
});

test("every and start are those of the case; expectations may use moments", async () => {
  const { cases, diagnostics } = await read(
    one(
      'every: 2m\n    start: 2026-03-01T09:00:00Z\n    samples: [{}, {}]\n    expect:\n      - { at: "2026-03-01T09:02:00Z", fire: false }',
    ),
  );
  assert.deepEqual(diagnostics, []);
  const [{ startMs, expected, expectedPlaces } = assert.fail()] = cases;
  assert.equal(startMs, Date.UTC(2026, 2, 1, 9));
  assert.deepEqual(expected, [{ offsetMs: 120_000, fire: false }]);
  assert.deepEqual(expectedPlaces, ["t.yaml:7:11"]);
});

const samples: readonly (readonly [source: Source, sample: string, seen: object])[] = [
  ["httpPoll", "status: 503", { ok: true, value: 503, status: 503 }],
  ["httpPoll", "error: { code: x, message: y }", { ok: false, error: { code: "x", message: "y" } }],
  ["tcpProbe", "open: false, ok: false", { ok: false, value: false, open: false }],
  ["command", "exit: 1, value: 7", { ok: true, value: 7, exit: 1 }],
  ["process", "count: 2", { ok: true, value: 2, count: 2 }],
  ["custom", "depth: 3, latency: 5ms", { ok: true, value: { depth: 3 }, depth: 3, latency: "5ms" }],
];

for (const [source, sample, seen] of samples) {
  test(`a sample of ${source} with ${sample} is whole`, async () => {
    const schema = { type: "object", properties: { depth: { type: "integer" } } };
    const { cases, diagnostics } = await read(one(`samples: [{ ${sample} }]`), source, schema);
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(cases[0]?.polls[0]?.sample, seen);
  });
}

const wrong: readonly {
  readonly name: string;
  readonly text: string;
  readonly at: string;
  readonly says: RegExp;
}[] = [
  { name: "nothing", text: "", at: "1:1", says: /a file of cases must be an object/ },
  { name: "no cases", text: "cases: []\n", at: "1:1", says: /cases must have at least 1 item/ },
  { name: "no YAML", text: "cases: [\n", at: "1:8", says: /./ },
  {
    name: "an unknown field",
    text: one("sample: [{}]"),
    at: "2:5",
    says: /unknown field "sample".*did you mean "samples"/s,
  },
  {
    name: "an unknown field of an expectation",
    text: one("samples: [{}]\n    expect: [{ at: 0s, fires: edge }]"),
    at: "4:24",
    says: /unknown field "fires".*did you mean "fire"/s,
  },
  {
    name: "a gate that there is not",
    text: one("samples: [{}]\n    expect: [{ at: 0s, suppressed: cooldwn }]"),
    at: "4:36",
    says: /did you mean "cooldown"/,
  },
  {
    name: "no samples",
    text: one("samples: []"),
    at: "3:5",
    says: /cases\[0\]\.samples must have at least 1 item/,
  },
  {
    name: "a name that the source does not give",
    text: one("samples:\n      - { status: 1 }\n      - { statu: 1 }"),
    at: "5:11",
    says: /nothing named "statu".*did you mean status\?/s,
  },
  {
    name: "what the machine remembers itself",
    text: one("samples: [{ prev: 1 }]"),
    at: "3:17",
    says: /nothing named "prev"/,
  },
  {
    name: "a value of another type",
    text: one('samples: [{ status: "503" }]'),
    at: "3:25",
    says: /status must be a number, but is "503" \(a string\)/,
  },
  {
    name: "no duration where there is one",
    text: one("samples: [{ latency: fast }]"),
    at: "3:26",
    says: /latency must be a duration such as 250ms/,
  },
  {
    name: "a moment that is none",
    text: one("samples: [{ at: soon }]"),
    at: "3:21",
    says: /at is no moment/,
  },
  {
    name: "a moment without its zone",
    text: one('samples: [{}]\n    start: "2026-01-01T09:00:00"'),
    at: "4:12",
    says: /start is no moment.*with its zone/s,
  },
  {
    name: "samples that do not go on in time",
    text: one("samples: [{ at: 1m }, { at: 30s }]"),
    at: "3:33",
    says: /the poll at 30s does not come after the one at 1m/,
  },
  {
    name: "an expectation without its poll",
    text: one("samples: [{ repeat: 3 }]\n    expect: [{ at: 45s, fire: edge }]"),
    at: "4:20",
    says: /no poll at 45s.*polls at 0s, 30s, 1m/s,
  },
  {
    name: "more polls than a replay may have",
    text: one(`samples: [${Array.from({ length: 11 }, () => "{ repeat: 10000 }").join(", ")}]`),
    at: "3:207",
    says: /more than 100000 polls/,
  },
];

for (const { name, text, at, says } of wrong) {
  test(`it is told: ${name}`, async () => {
    const { cases, diagnostics } = await read(text);
    assert.deepEqual(cases, []);
    const [{ range } = assert.fail("nothing was told")] = diagnostics;
    const told = diagnostics.map(({ summary, detail }) => `${summary}\n${detail}`);
    assert.match(told.join("\n"), says);
    assert.equal(`${range?.start.line}:${range?.start.column}`, at);
  });
}
