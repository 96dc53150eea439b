// Goal: get shows at a glance how objects stand, in 80 columns, and gives programs the objects as they are.
// Method: run the command line on streams over a real state folder; measure every line; a watch is fed by a real plane.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { parse } from "yaml";
import { LegionError } from "../lib/errors.ts";
import type { ObjectPlane } from "../reconcile/contract.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { type ServedFolder, type ServeOptions, serveFolder } from "../testing/served-folder.ts";
import { type SeedObject, seedCondition, seedStateFolder } from "../testing/state-folder.ts";
import { watchTargets } from "./plane-watch.ts";

const WIDTH = 80;
const DRAIN = "legion.dev/drain";
const notice = "no daemon runs here: reading the state folder .legion as the last one left it\n";

let folder = "";
let empty = "";

function agent(name: string, more: Partial<SeedObject> = {}): SeedObject {
  const running = {
    observedGeneration: 1,
    loop: { phase: "idle", queued: 2 },
    conditions: [
      seedCondition("Accepted", "True", "Valid"),
      seedCondition("Ready", "True", "Running"),
    ],
  };
  const spec = {
    model: "openrouter/anthropic/claude-sonnet-4.5",
    instructions: "Help.",
    description: "It helps.",
  };
  return { kind: "Agent", name, spec, status: running, ...more };
}

const rejected = {
  observedGeneration: 1,
  conditions: [
    seedCondition("Accepted", "False", "Invalid", 'agents.d/b.yaml:3:5: unknown field "modle"'),
    seedCondition("Ready", "True", "Running"),
  ],
};
const stalled = {
  observedGeneration: 1,
  conditions: [
    seedCondition("Accepted", "True", "Valid"),
    seedCondition("Ready", "False", "ToolMissing", "Tool web does not exist"),
    seedCondition("Stalled", "True", "ToolMissing", "Tool web does not exist"),
  ],
};
const stale = {
  conditions: [seedCondition("Ready", "True", "Running", "it runs", 0)],
};

const crowd = Array.from({ length: 22 }, (_, index) =>
  agent(`crowd-${"long-".repeat(index % 10)}${index}`, { namespace: "crowd" }),
);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-get-"));
  empty = await mkdtemp(join(tmpdir(), "legion-get-"));
  await seedStateFolder(join(folder, ".legion"), [
    agent("a", {
      labels: { team: "docs" },
      origin: { file: join(folder, "agents.d/all.yaml"), document: 1 },
    }),
    agent("b", { status: rejected, labels: { team: "web" } }),
    agent("c", { status: stalled, labels: { team: "docs" } }),
    agent("d", { status: stale }),
    { kind: "Tool", name: "clock", spec: { type: "builtin", builtin: "now" } },
    {
      kind: "Provider",
      name: "local",
      spec: { wire: "openai-chat", baseUrl: "http://127.0.0.1:1/v1" },
    },
    {
      kind: "Router",
      name: "main",
      spec: { tiers: [{ name: "only", targets: [{ provider: "local", model: "m" }] }] },
    },
    { kind: "Source", name: "more", spec: { type: "folder", path: "more" } },
    ...crowd,
  ]);
});

after(async () => {
  for (const path of [folder, empty]) await rm(path, { recursive: true, force: true });
});

const run = (...argv: string[]) => runOnStreams(argv, { cwd: folder });
const onTerminal = (...argv: string[]) => runOnStreams(argv, { cwd: folder, columns: WIDTH });

const shortRows = (text: string) =>
  text.split("\n").map((line) => line.split(/ {2,}/).slice(0, 3).join(" "));

test("agents: a rejected manifest, a missing tool and a stale generation are seen at a glance", async () => {
  await using _served = await serveFolder(join(folder, ".legion"));
  const { exitCode, stdout, stderr } = await run("get", "agents");
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.deepEqual(shortRows(stdout).slice(0, 5), [
    "NAME READY STATUS",
    "a True Running",
    "b True Rejected",
    "c False ToolMissing",
    "d Unknown Pending",
  ]);
});

test("without a daemon nothing is said to run: what the last one left is told as such", async () => {
  const { exitCode, stdout, stderr } = await run("get", "agents", "-o", "wide");
  assert.deepEqual([exitCode, stderr], [0, notice]);
  assert.deepEqual(shortRows(stdout).slice(0, 3), [
    "NAME READY STATUS",
    "a Unknown NoDaemon",
    "b Unknown NoDaemon",
  ]);
  assert.match(stdout, /the last daemon left it as Running/);
  const described = await run("describe", "agent/a");
  assert.match(described.stdout, /^Ready: +Unknown\nStatus: +NoDaemon\n/m);
  assert.match(described.stdout, /^Conditions, as the last daemon left them:$/m);
  assert.doesNotMatch(described.stdout, /^Loop:/m);
  await using _served = await serveFolder(join(folder, ".legion"));
  assert.match((await run("describe", "agent/a")).stdout, /^Ready: +True\nStatus: +Running\n/m);
});

for (const flag of ["-w", "--watch-only"]) {
  test(`without a daemon get ${flag} ends at once with 4`, async () => {
    const { exitCode, stdout, stderr } = await run("get", "agents", flag);
    assert.deepEqual([exitCode, stdout], [4, ""]);
    assert.match(stderr, /LEG8001.*no changes to watch\n.*legion up/);
  });
}

test("get all: a table a kind, in the order of kinds, with the columns of each", async () => {
  const { stdout } = await run("get", "all", "-q");
  const heads = stdout.split("\n").filter((line) => line.startsWith("NAME"));
  assert.deepEqual(
    heads.map((line) => line.split(/ +/).join(" ")),
    [
      "NAME READY STATUS MODEL GEN QUEUED AGE",
      "NAME TYPE READY STATUS AGE",
      "NAME WIRE READY STATUS AGE",
      "NAME TIERS READY STATUS AGE",
      "NAME TYPE READY STATUS REVISION AGE",
    ],
  );
  assert.match(stdout, /^tool\/clock +builtin +Unknown +NoDaemon/m);
});

for (const flags of [[], ["--show-labels"], ["-o", "custom-columns=N:.metadata.name,S:.spec"]]) {
  test(`30 objects on a terminal of ${WIDTH} columns: no line is wider (${flags.join(" ") || "text"})`, async () => {
    const { stdout } = await onTerminal("get", "all", "-A", ...flags);
    const lines = stripVTControlCharacters(stdout).split("\n");
    assert.ok(lines.length > 30);
    assert.deepEqual(
      lines.filter((line) => stringWidth(line) > WIDTH),
      [],
    );
  });
}

test("on a terminal a name stays whole, and -o wide may be wider than it", async () => {
  const longest = "agent/crowd-long-long-long-long-long-long-long-long-long-19 ";
  for (const flags of [[], ["-o", "wide"]]) {
    const { stdout } = await onTerminal("get", "all", "-A", ...flags);
    assert.ok(stdout.includes(longest), stdout);
  }
  const wide = stripVTControlCharacters((await onTerminal("get", "agents", "-o", "wide")).stdout);
  assert.match(wide, /unknown field "modle"; generation 1 still runs$/m);
});

test("without a terminal nothing is cut", async () => {
  const { stdout } = await run("get", "agents", "-o", "wide", "-A");
  assert.doesNotMatch(stdout, /…/);
  assert.match(stdout, /agents\.d\/all\.yaml#2 /);
  assert.match(stdout, /unknown field "modle"; generation 1 still runs/);
});

test("one object by its name is that object; several are a List", async () => {
  const one = await run("get", "agent/a", "-o", "json", "-q");
  assert.equal(JSON.parse(one.stdout).metadata.name, "a");
  const some = await run("get", "agent", "a", "b", "-o", "yaml", "-q");
  const list = parse(some.stdout);
  assert.deepEqual([list.kind, list.items.length], ["List", 2]);
});

const outputs: readonly (readonly [argv: string[], stdout: string])[] = [
  [["agents", "-o", "name"], "agent/a\nagent/b\nagent/c\nagent/d\n"],
  [["agents", "-o", "name", "-l", "team=docs"], "agent/a\nagent/c\n"],
  [
    ["agents", "-o", "name", "--sort-by", "{.metadata.labels.team}"],
    "agent/a\nagent/c\nagent/b\nagent/d\n",
  ],
  [["agents", "-o", "jsonpath={.items[*].metadata.name}"], "a b c d\n"],
  [["agent/a", "-o", "jsonpath={.metadata.nope}"], ""],
  [
    ["tools,routers", "-o", "custom-columns=N:.metadata.name,X:.nope", "--no-headers"],
    "clock  <none>\nmain   <none>\n",
  ],
];

for (const [argv, stdout] of outputs) {
  test(`get ${argv.join(" ")}`, async () => {
    assert.deepEqual(await run("get", ...argv, "-q"), { exitCode: 0, stdout, stderr: "" });
  });
}

const failures: readonly (readonly [argv: string[], exitCode: number, stderr: RegExp])[] = [
  [["agent/aa"], 1, /LEG6030.*no agent is named "aa"\n.*did you mean "a"\?/],
  [["agent/a", "-n", "crowd"], 1, /LEG6030.*\n.*there is one in namespace default: add -n default/],
  [["agent/crowd-0"], 1, /LEG6030.*\n.*there is one in namespace crowd: add -n crowd/],
  [["source/roots"], 1, /LEG6030.*\n.*no object: legion status/],
  [["agnets"], 2, /LEG7011/],
  [["agents", "--sort-by", ".spec.modle"], 2, /LEG7001.*--sort-by finds no field ".spec.modle"/],
  [["agents", "-o", "jsonpath={.items[0}"], 2, /LEG7012/],
  [["agents", "-o", "jsonpath"], 2, /jsonpath=TEMPLATE/],
  [["agents", "-o", "custom-columns=N"], 2, /LEG7013/],
  [["agents", "-o", "xml"], 2, /use one of: text, wide, name, json/],
  [["agents", "-l", "a=b=c"], 2, /error\[LEG/],
];

for (const [argv, exitCode, stderr] of failures) {
  test(`get ${argv.join(" ")} ends with ${exitCode}`, async () => {
    const result = await run("get", ...argv);
    assert.deepEqual([result.exitCode, result.stdout], [exitCode, ""]);
    assert.match(result.stderr, stderr);
  });
}

test("of several names, those that are there are printed, and the exit code tells of the others", async () => {
  const { exitCode, stdout, stderr } = await run("get", "agent", "a", "zz", "-o", "name");
  assert.deepEqual([exitCode, stdout], [1, "agent/a\n"]);
  assert.match(stderr, /no agent is named "zz"/);
});

test("without a state folder: a list is empty, a name is not found, and no folder is made", async () => {
  const list = await runOnStreams(["get", "agents"], { cwd: empty });
  assert.deepEqual([list.exitCode, list.stdout], [0, ""]);
  assert.match(list.stderr, /nothing was applied yet.*\.legion\nno agents in namespace default\n/);
  const json = await runOnStreams(["get", "agents", "-o", "json", "-q"], { cwd: empty });
  assert.deepEqual(JSON.parse(json.stdout).items, []);
  const one = await runOnStreams(["get", "agent/a"], { cwd: empty });
  assert.equal(one.exitCode, 1);
  assert.equal(existsSync(join(empty, ".legion")), false);
});

const key = { kind: "Agent", namespace: "default", name: "a" };

/** A served folder of one agent and one tool, for as long as the test needs it. */
async function withServer(
  use: (served: ServedFolder, cwd: string) => Promise<void>,
  options: ServeOptions = {},
): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), "legion-get-"));
  try {
    await seedStateFolder(join(cwd, ".legion"), [
      agent("a"),
      { kind: "Tool", name: "clock", spec: { type: "builtin", builtin: "now" } },
      { kind: "Source", name: "more", spec: { type: "folder", path: "more" } },
    ]);
    await using served = await serveFolder(join(cwd, ".legion"), options);
    await use(served, cwd);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** Watches, makes the next change whenever a line came, and interrupts after the last one. */
async function watched(
  cwd: string,
  argv: readonly string[],
  changes: readonly (() => Promise<unknown>)[],
): Promise<string[]> {
  const interrupt = new AbortController();
  const left = [...changes];
  let seen = 0;
  const { exitCode, stdout, stderr } = await runOnStreams(["get", ...argv], {
    cwd,
    signal: interrupt.signal,
    onOutput: (text) => {
      const lines = text.split("\n").length;
      if (lines === seen) return;
      seen = lines;
      const change = left.shift();
      if (change === undefined) interrupt.abort();
      else change();
    },
  });
  assert.deepEqual([exitCode, stderr], [130, ""]);
  return stdout.trimEnd().split("\n");
}

test("a watch prints what is there, then every change as a row under the same titles", () =>
  withServer(async ({ store, plane }, cwd) => {
    const rows = await watched(
      cwd,
      ["agents", "-w"],
      [
        () => store.write([{ type: "status", key, status: rejected }], { at: Date.now() }),
        () => plane.delete([key]),
        () => store.write([{ type: "finalize", key, finalizer: DRAIN }], { at: Date.now() }),
      ],
    );
    assert.deepEqual(
      rows.map((line) => line.split(/ +/).slice(0, 3).join(" ")),
      [
        "NAME READY STATUS",
        "a True Running",
        "a True Rejected",
        "a True Terminating",
        "a False Deleted",
      ],
    );
    const places = rows.slice(1).map((line) => line.indexOf("openrouter"));
    assert.deepEqual(new Set(places).size, 1, "the columns stay where they are");
  }));

test("a watch is silent about a change that no column shows", () =>
  withServer(async ({ plane }, cwd) => {
    const rows = await watched(
      cwd,
      ["agent/a", "-w"],
      [
        async () => {
          await plane.edit(key, { labels: { team: "docs" }, manager: "test" });
          await plane.delete([key]);
        },
      ],
    );
    assert.deepEqual(
      rows.map((line) => line.split(/ +/)[2]),
      ["STATUS", "Running", "Terminating"],
    );
  }));

test("a watch for a program prints an object a line", () =>
  withServer(async ({ plane }, cwd) => {
    const edit = { labels: { team: "docs" }, manager: "test" };
    const lines = await watched(
      cwd,
      ["agent/a", "-w", "-o", "json"],
      [() => plane.edit(key, edit)],
    );
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).metadata.labels?.team),
      [undefined, "docs"],
    );
  }));

test("a watch whose daemon goes says so and fails", () =>
  withServer(async (served, cwd) => {
    const { exitCode, stderr } = await runOnStreams(["get", "agents", "-w"], {
      cwd,
      onOutput: () => void served[Symbol.asyncDispose](),
    });
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /error\[LEG80/);
  }));

test("when the changes since a list are gone, a watch lists again and tells the differences", () =>
  withServer(async ({ plane }) => {
    const targets = { type: "kinds", kinds: ["Agent", "Tool", "Source"] } as const;
    const start = await plane.list({});
    let tries = 0;
    const forgetful: ObjectPlane = {
      ...plane,
      watch: (...given) => {
        tries += 1;
        if (tries === 1) throw new LegionError({ code: "LEG6023", message: "gone", hint: "list" });
        return plane.watch(...given);
      },
    };
    await plane.edit(key, { labels: { team: "docs" }, manager: "test" });
    await plane.delete([{ kind: "Tool", namespace: "default", name: "clock" }]);
    const interrupt = new AbortController();
    const seen: string[] = [];
    const options = { targets, scope: {}, start };
    for await (const { type, object } of watchTargets(forgetful, options, interrupt.signal)) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === 2) interrupt.abort();
    }
    assert.deepEqual(seen, ["deleted clock", "modified a"]);
  }));

test("sources show the revision that the daemon tells of", () =>
  withServer(
    async (_served, cwd) => {
      const { stdout } = await runOnStreams(["get", "sources", "--no-headers"], { cwd });
      assert.match(stdout, /^more +folder +Unknown +Pending +0123456789ab +\d+d\n$/);
    },
    {
      sources: [
        {
          ...{
            name: "source/more",
            type: "git",
            location: "x",
            applied: "0123456789ab".repeat(4).slice(0, 40),
          },
          ...{ objects: 0, reloads: 1, failures: 0, diagnostics: [] },
        },
      ],
    },
  ));

test("a daemon is reached at its address with its token, and not without", () =>
  withServer(
    async ({ address }, cwd) => {
      const argv = ["get", "agents", "-o", "name", "--server", String(address)];
      const token = ["--token-file", join(cwd, ".legion", "token")];
      const elsewhere = await runOnStreams([...argv, ...token], { cwd: empty });
      assert.deepEqual(elsewhere, { exitCode: 0, stdout: "agent/a\n", stderr: "" });
      const { exitCode, stderr } = await runOnStreams(argv, { cwd: empty });
      assert.equal(exitCode, 4);
      assert.match(stderr, /error\[LEG8006\].*\n.*--token-file \.legion\/token/);
    },
    { tcp: true },
  ));
