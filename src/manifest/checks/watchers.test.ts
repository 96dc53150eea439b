// Goal: what a watcher or a cron names is there, is allowed and can be done; one fault is told once, and nobody pays for parsers that he does not use.
// Method: tables of small texts through the whole loader, each with the codes that are due (the wording is held by fixtures/invalid); a child process that counts what it loads; a loader that lives through changes.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { schemaOfFunction } from "../function-schema.ts";
import { loadManifests } from "../load.ts";
import { createManifestLoader } from "../loader.ts";
import { renderText } from "../render.ts";

const object = (kind: string, name: string, spec: string, namespace = "default") =>
  `apiVersion: legion.dev/v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;
const watcher = (spec: string, name = "w") => object("Watcher", name, `{ ${spec} }`);
const cron = (spec: string) => object("Cron", "c", `{ ${spec} }`);
const down = "type: process, match: web";
const custom = "type: custom, tool: jobs.count";
const http = "type: httpPoll, trigger: not ok then silent";
const agent =
  object("Agent", "ops", "{ description: x, model: canned/x }") +
  `---\n${object("Provider", "canned", "{ wire: scripted, replies: [{ text: Hello. }] }")}`;
const jobs = (returns: string) =>
  object(
    "Tool",
    "jobs",
    `{ type: js, source: "function count() {}", functions: { count: { description: x, parameters: { type: object, properties: { state: { type: string } } }, ${returns} } } }`,
  );
const counted = jobs(
  "returns: { type: object, properties: { open: { type: integer }, list: { type: array } } }",
);
const approved = object(
  "Tool",
  "pay",
  '{ type: js, source: "function refund() {} function look() {}", functions: { refund: { description: x, approval: true, returns: { type: object, properties: { open: { type: integer } } } }, look: { description: x } } }',
);
const human = object("Tool", "ask", "{ type: builtin, builtin: human }");
const kv = object("Tool", "kv", "{ type: builtin, builtin: kv }");

async function codesOf(documents: readonly string[], isRemote = false): Promise<string[]> {
  const text = documents.join("---\n");
  const input = isRemote
    ? { filename: "https://example.com/a.yaml", bytes: Buffer.from(text), isRemote }
    : { filename: "x.yaml", text };
  const builtins = {
    kv: { functions: ["get", "set"], config: {} },
    human: { functions: ["ask"], config: {}, withPeople: ["ask"] },
  };
  const { diagnostics } = await loadManifests([input], { cwd: "/", env: {}, builtins });
  return diagnostics.map(({ code, severity }) => (severity === "error" ? code : `(${code})`));
}

const rows: readonly {
  readonly says: string;
  readonly documents: readonly string[];
  readonly isRemote?: boolean;
  readonly codes: readonly string[];
}[] = [
  {
    says: "a watcher that wakes an agent that is there",
    documents: [agent, watcher(`${down}, agent: ops, trigger: not running`)],
    codes: [],
  },
  {
    says: "an agent is found only in the namespace of the watcher",
    documents: [
      agent,
      object("Watcher", "w", `{ ${down}, agent: ops, trigger: not running }`, "other"),
    ],
    codes: ["LEG1059"],
  },
  {
    says: "several actions that wake nobody are one mistake",
    documents: [watcher(`${down}, trigger: "not running then wake, wake 'x'", recovery: wake`)],
    codes: ["LEG1116"],
  },
  {
    says: "message needs no agent of its own",
    documents: [agent, watcher(`${down}, trigger: "not running then message:ops"`)],
    codes: [],
  },
  {
    says: "an agent that is not valid is not reported as missing too",
    documents: [
      object("Agent", "ops", "{ descripton: x }"),
      watcher(`${down}, agent: ops, trigger: not running`),
    ],
    codes: ["LEG1007", "LEG1008"],
  },
  {
    says: "two watchers may hold each other back",
    documents: [
      watcher(`${down}, trigger: not running unless firing(b) then silent`, "a"),
      watcher(`${down}, trigger: not running unless firing(a) then silent`, "b"),
    ],
    codes: [],
  },
  {
    says: "the schema of the function gives the names",
    documents: [
      counted,
      watcher(
        `${custom}, arguments: {state: x}, trigger: "open > 3 and size(list) > 2 then silent"`,
      ),
    ],
    codes: [],
  },
  {
    says: "its types are checked",
    documents: [counted, watcher(`${custom}, trigger: "open == 'many' or opn > 3 then silent"`)],
    codes: ["LEG1115", "LEG1115"],
  },
  {
    says: "a function that declares no result gives its value",
    documents: [jobs(""), watcher(`${custom}, trigger: value.open > 3 then silent`)],
    codes: [],
  },
  {
    says: "a builtin gives its value",
    documents: [
      kv,
      watcher("type: custom, tool: kv.get, arguments: {key: a}, trigger: value == 3 then silent"),
    ],
    codes: [],
  },
  {
    says: "of a tool that is not there no name is judged, but the grammar is",
    documents: [watcher(`${custom}, trigger: "open > 3 and and deep then silent"`)],
    codes: ["LEG1050", "LEG1115"],
  },
  {
    says: "of a tool that is not valid neither",
    documents: [
      object("Tool", "jobs", "{ type: js, functions: {} }"),
      watcher(`${custom}, trigger: open > 3 then silent`),
    ],
    codes: ["LEG1008", "LEG1010"],
  },
  {
    says: "arguments are checked by the schema of the function",
    documents: [
      counted,
      watcher(`${custom}, arguments: {state: 3}, trigger: open > 3 then silent`),
    ],
    codes: ["LEG1119"],
  },
  {
    says: "a function that needs a person is called by agents only",
    documents: [
      approved,
      human,
      agent,
      cron('schedule: "@daily", tool: pay.refund'),
      watcher(`${down}, trigger: "not running then tool:pay.refund"`, "a"),
      watcher(`${down}, agent: ops, trigger: not running, recovery: "tool:ask.ask"`, "b"),
      watcher("type: custom, tool: pay.refund, trigger: open > 3 then silent", "c"),
      watcher(`${down}, trigger: "not running then tool:pay.look"`, "d"),
    ],
    codes: ["LEG1123", "LEG1123", "LEG1123", "LEG1123"],
  },
  {
    says: "a zone that is unknown is told once, however many windows go by it",
    documents: [
      watcher(
        `${down}, timezone: Mars/Base, trigger: "not running between 09:00 and 10:00 except between 09:10 and 09:20 then silent"`,
      ),
    ],
    codes: ["LEG1121"],
  },
  {
    says: "a zone in the trigger is told where it stands",
    documents: [
      watcher(`${down}, trigger: "not running between 09:00 and 10:00 in 'Mars/Base' then silent"`),
    ],
    codes: ["LEG1115"],
  },
  {
    says: "private addresses have to be opened",
    documents: [
      watcher(`${http}, url: "http://[::1]/"`, "a"),
      watcher(`${http}, url: "http://10.1.2.3/"`, "b"),
      watcher(`${http}, url: "http://app.localhost:3000/"`, "c"),
      watcher("type: tcpProbe, host: 192.168.0.1, port: 1, trigger: open then silent", "d"),
      watcher(`${http}, url: "http://localhost/", allowPrivate: [localhost]`, "e"),
      watcher(`${http}, url: "http://8.8.8.8/"`, "f"),
    ],
    codes: ["(LEG1114)", "(LEG1114)", "(LEG1114)", "(LEG1114)"],
  },
  {
    says: "hosts and networks that may be opened",
    documents: [
      watcher(
        `${http}, url: "http://a.b/", allowPrivate: [localhost, a-b.c_d.internal, 10.0.0.1, "fd00::/8", "::1", 10.0.0.0/8, grün.example]`,
      ),
    ],
    codes: [],
  },
  {
    says: "and what can be none",
    documents: [
      watcher(
        `${http}, url: "http://a.b/", allowPrivate: ["a b", a/b, "10.0.0.0/", "::/129", "host:80", "*"]`,
      ),
    ],
    codes: ["LEG1010", "LEG1010", "LEG1010", "LEG1010", "LEG1010", "LEG1010"],
  },
  {
    says: "a token in the url is a secret",
    documents: [
      watcher(`${http}, url: "https://a.b/?key=sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"`),
    ],
    codes: ["LEG1070"],
  },
  {
    says: "what came from another machine reads no files here and runs nothing",
    documents: [
      watcher("type: fileWatch, path: /etc/passwd, trigger: present then silent", "a"),
      watcher("type: process, pidFile: a.pid, trigger: running then silent", "b"),
      watcher("type: command, command: [id], trigger: exit == 0 then silent", "c"),
      watcher(`${http}, url: "https://a.b/", caFile: ca.pem`, "d"),
      watcher(`${http}, url: "https://a.b/"`, "e"),
    ],
    isRemote: true,
    codes: ["LEG1113", "LEG1113", "LEG1113", "LEG1113"],
  },
  {
    says: "a cron that tells an agent something",
    documents: [
      agent,
      cron(
        'schedule: "@daily", agent: ops, task: "{{name}} {{count + 1}} {{age(tick) > 5m}} {{now}}"',
      ),
    ],
    codes: [],
  },
  {
    says: "a task has no braces that are meant otherwise",
    documents: [agent, cron('schedule: "@daily", agent: ops, task: "{ {a} } and {{"')],
    codes: ["LEG1115"],
  },
  {
    says: "a cron that calls a function that is not there",
    documents: [counted, cron('schedule: "@daily", tool: jobs.cout')],
    codes: ["LEG1051"],
  },
  {
    says: "days of the calendar, in every month",
    documents: [
      agent,
      cron(
        'schedule: "@daily", agent: ops, task: x, startAt: 2024-02-29, endAt: 2026-12-31T23:59:59+14:00',
      ),
    ],
    codes: [],
  },
  {
    says: "no days of the calendar",
    documents: [
      agent,
      cron(
        'schedule: "@daily", agent: ops, task: x, startAt: 2026-02-29, endAt: 2026-01-01T24:30:00Z',
      ),
    ],
    codes: ["LEG1122", "LEG1122"],
  },
  {
    says: "a day alone may begin earlier or later by its zone",
    documents: [
      agent,
      cron(
        'schedule: "@hourly", agent: ops, task: x, startAt: 2026-03-01, endAt: 2026-03-01T00:00:00Z',
      ),
    ],
    codes: [],
  },
];

for (const { says, documents, isRemote, codes } of rows) {
  test(says, async () => {
    assert.deepEqual((await codesOf(documents, isRemote)).toSorted(), [...codes].toSorted());
  });
}

test("certificates are looked at, and looked at again when they change", async () => {
  const folder = mkdtempSync(join(tmpdir(), "legion-watchers-"));
  try {
    const manifest = watcher(`${http}, url: "https://a.b/", caFile: ca.pem`);
    writeFileSync(join(folder, "w.yaml"), manifest);
    const loader = createManifestLoader();
    const load = () => loader.load([folder], { cwd: folder, env: {} });
    const digests: unknown[] = [];
    for (const content of [
      undefined,
      "no certificate",
      "-----BEGIN CERTIFICATE-----\n",
      "-----BEGIN CERTIFICATE-----\nB",
    ]) {
      if (content !== undefined) writeFileSync(join(folder, "ca.pem"), content);
      const { objects, diagnostics } = await load();
      digests.push(diagnostics[0]?.summary ?? objects[0]?.specHash);
    }
    assert.match(String(digests[0]), /"ca.pem" does not exist/);
    assert.match(String(digests[1]), /"ca.pem" holds no certificate/);
    assert.match(String(digests[2]), /^[0-9a-f]{64}$/);
    assert.notEqual(digests[3], digests[2]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a trigger is checked again when the function that it looks at returns something else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "legion-watchers-"));
  try {
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    write("w.yaml", watcher(`${custom}, trigger: open > 3 then silent`));
    write("t.yaml", counted);
    const loader = createManifestLoader();
    const load = async () =>
      renderText((await loader.load([folder], { cwd: folder, env: {} })).diagnostics);
    assert.equal(await load(), "");
    write("t.yaml", jobs("returns: { type: object, properties: { closed: { type: integer } } }"));
    assert.match(
      await load(),
      /w\.yaml:4:\d+: error\[LEG1115\]: trigger\[E401\]: unknown name open/,
    );
    write("t.yaml", counted);
    assert.equal(await load(), "");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the schema of what a function returns is that of its manifest", async () => {
  const input = { filename: "x.yaml", text: [counted, kv].join("---\n") };
  const { objects } = await loadManifests([input], { cwd: "/", env: {} });
  const schema = schemaOfFunction(objects, "jobs.count");
  assert.deepEqual(Object.keys(schema?.properties ?? {}), ["open", "list"]);
  for (const name of ["jobs.other", "jobs", "kv.get", "none.count", "jobs.constructor"])
    assert.equal(schemaOfFunction(objects, name), undefined, name);
  assert.equal(schemaOfFunction(objects, "jobs.count", "other"), undefined);
});

/** How many files of each package a process loads for a set. */
function loadedFor(documents: readonly string[]): Record<string, number> {
  const module = fileURLToPath(new URL("../load.ts", import.meta.url));
  const script = `
    const { registerHooks } = await import("node:module");
    const counts = { chevrotain: 0, croner: 0 };
    registerHooks({ load: (url, context, next) => {
      for (const name of Object.keys(counts)) if (url.includes("/" + name + "/")) counts[name] += 1;
      return next(url, context);
    } });
    const { loadManifests } = await import(${JSON.stringify(module)});
    const text = ${JSON.stringify(documents.join("---\n"))};
    const { diagnostics } = await loadManifests([{ filename: "x.yaml", text }], { cwd: "/", env: {} });
    if (diagnostics.length > 0) throw new Error(JSON.stringify(diagnostics));
    console.log(JSON.stringify(counts));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script]);
  return JSON.parse(output.toString());
}

test("a set without watchers and crons loads neither the trigger language nor the schedules", () => {
  assert.deepEqual(loadedFor([agent, counted, kv]), { chevrotain: 0, croner: 0 });
});

test("a watcher loads no schedules, and a cron without holes in its task no language", () => {
  const { chevrotain = 0, croner } = loadedFor([watcher(`${down}, trigger: running then silent`)]);
  assert.ok(chevrotain > 0);
  assert.equal(croner, 0);
  const other = loadedFor([agent, cron('schedule: "@daily", agent: ops, task: x')]);
  assert.equal(other.chevrotain, 0);
  assert.ok((other.croner ?? 0) > 0);
});
