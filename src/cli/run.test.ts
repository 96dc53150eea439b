// Goal: legion run gives its answer on stdout, tells its steps on stderr, and ends by the table of exit codes.
// Method: the quickstart, and agents on a loopback model server, run as processes; signals and closed pipes for real.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execute, legion, repository, type StartOptions } from "../testing/command.ts";
import { type Script, startModelServer } from "../testing/model-server.ts";

const auditor = ["run", "agent/license-auditor", "-f", "fixtures/quickstart"];
let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "legion-run-"));
});

after(() => rm(folder, { recursive: true, force: true }));

test("the quickstart audits this repository's lockfile", async () => {
  const { exitCode, stdout, stderr } = await legion(auditor);
  assert.equal(exitCode, 0, stderr);
  const audit = JSON.parse(stdout);
  const lock: { packages: Record<string, { license?: string }> } = JSON.parse(
    readFileSync(`${repository}package-lock.json`, "utf8"),
  );
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
  assert.equal(audit.total, packages.length);
  const licensed = audit.licenses.reduce(
    (sum: number, row: { packages: number }) => sum + row.packages,
    0,
  );
  assert.equal(licensed + audit.withoutLicense.length, packages.length);
  assert.equal(
    audit.licenses.find((row: { license: string }) => row.license === "MIT").packages,
    packages.filter(([, entry]) => entry.license === "MIT").length,
  );
  assert.equal(audit.largestFanOuts.length, 10);
  for (const step of ["step 1", "step 2", "step 3", "files.read", "done: 3 steps"])
    assert.ok(stderr.includes(step), step);
  assert.deepEqual(
    stderr.split("\n").filter((line) => line.length > 80),
    [],
  );
});

test("-o json is one object with the figures, -o yaml the same", async () => {
  const [json, yaml] = await Promise.all([
    legion([...auditor, "-o", "json"]),
    legion([...auditor, "-o", "yaml"]),
  ]);
  const result = JSON.parse(json.stdout);
  assert.equal(result.status, "ok");
  assert.equal(result.iterations, 3);
  assert.equal(result.toolCalls, 1);
  assert.ok(result.usage.inputTokens > 0 && result.durationMs > 0 && result.value.total > 0);
  assert.match(yaml.stdout, /^status: ok$/m);
});

test("a reader that goes away breaks nothing", async () => {
  const main = join(repository, "src/main.ts");
  const script = `"${process.execPath}" "${main}" ${auditor.join(" ")} -o json | head -1; exit "\${PIPESTATUS[0]}"`;
  const { exitCode, stdout, stderr } = await execute("bash", ["-c", script], { cwd: repository });
  assert.equal(exitCode, 0, stderr);
  assert.equal(stdout, "{\n");
  assert.doesNotMatch(stderr, /EPIPE|at /);
});

const shell = (redirect: string) => {
  const main = join(repository, "src/main.ts");
  const script = `"${process.execPath}" "${main}" ${auditor.join(" ")} -o json ${redirect}`;
  return execute("bash", ["-c", script], { cwd: repository });
};

test("an answer is not lost when nobody listens on stderr", async () => {
  const { exitCode, stdout } = await shell("2>&-");
  assert.equal(exitCode, 0);
  assert.equal(JSON.parse(stdout).status, "ok");
});

test("a full disk is an error with a code", async () => {
  const { exitCode, stderr } = await shell("> /dev/full");
  assert.equal(exitCode, 1);
  assert.match(stderr, /error\[LEG7006\]: the output could not be written: .*ENOSPC/);
  assert.doesNotMatch(stderr, /\n\s+at /);
});

test("-v shows what the model wrote and what it got back", async () => {
  const { stderr } = await legion([...auditor, "-v"]);
  assert.match(stderr, /assistant\n {4}First I look at the lockfile/);
  assert.match(stderr, /const text = await tools\.files\.read/);
  assert.match(stderr, /eval_result\n {4}Code executed successfully\. Result:/);
});

test("a run ends when it has reported, whatever a tool has left running", async () => {
  await writeFile(
    join(folder, "timers.ts"),
    "export function start() { setInterval(() => {}, 1000); return 1; }\n",
  );
  await writeFile(
    join(folder, "timers.yaml"),
    `apiVersion: legion.dev/v1
kind: Tool
metadata: { name: timers }
spec: { type: module, module: timers.ts, functions: { start: { description: Starts a timer. } } }
---
apiVersion: legion.dev/v1
kind: Provider
metadata: { name: script }
spec: { wire: scripted, replies: [{ action: eval_and_complete, code: "String(await tools.timers.start({}))" }] }
---
apiVersion: legion.dev/v1
kind: Agent
metadata: { name: starter }
spec: { description: Starts timers., model: script/any, tools: [timers] }
`,
  );
  const { exitCode, stdout } = await legion([
    "run",
    "agent/starter",
    "-f",
    join(folder, "timers.yaml"),
  ]);
  assert.deepEqual([exitCode, stdout], [0, "1\n"]);
});

test("a run that has no time ends with 124 and says so, also as JSON", async () => {
  const { exitCode, stdout, stderr } = await legion([...auditor, "-o", "json", "--timeout", "1ms"]);
  assert.equal(exitCode, 124);
  const { status, reason } = JSON.parse(stdout);
  assert.deepEqual({ status, reason }, { status: "cancel", reason: "timeout" });
  assert.match(stderr, /LEG2022/);
});

const counting: Script = [
  {
    action: "eval_and_continue",
    code: "const two: number = 1 + 1; two",
    reasoning: "One and one.",
  },
  { action: "eval_and_complete", code: "two + 40" },
];

/** Writes an agent whose provider is at the address, and runs it. */
async function runAgainst(
  url: string,
  {
    stream = true,
    args = [] as string[],
    env = {},
    onStart = undefined as StartOptions["onStart"],
  } = {},
) {
  const file = join(folder, `${randomUUID()}.yaml`);
  await writeFile(
    file,
    `apiVersion: legion.dev/v1
kind: Provider
metadata: { name: loopback }
spec:
  wire: openai-chat
  baseUrl: ${url}
  stream: ${stream}
  apiKey: { valueFrom: { env: LOOPBACK_KEY } }
---
apiVersion: legion.dev/v1
kind: Agent
metadata: { name: counter }
spec: { description: Counts., model: loopback/any, outputSchema: { type: integer } }
`,
  );
  const words = ["run", "agent/counter", "Count.", "-f", file, "-o", "json", ...args];
  return legion(words, {
    env: { LOOPBACK_KEY: "k-canary-4711", ...env },
    ...(onStart && { onStart }),
  });
}

test("over real HTTP a streamed and a whole answer give the same result", async () => {
  const results = await Promise.all(
    [true, false].map(async (stream) => {
      await using server = await startModelServer(counting);
      const { exitCode, stdout, stderr } = await runAgainst(server.url, { stream });
      assert.equal(exitCode, 0, stderr);
      assert.ok(
        server.requests.every(
          ({ body, headers }) =>
            (body.stream ?? false) === stream && headers.authorization === "Bearer k-canary-4711",
        ),
      );
      const { run, durationMs, ...rest } = JSON.parse(stdout);
      assert.ok(run !== "" && durationMs > 0);
      return rest;
    }),
  );
  assert.equal(results[0].value, 42);
  assert.deepEqual(results[0], results[1]);
});

const broken: { name: string; script: Script; says: RegExp }[] = [
  {
    name: "a server that cuts the stream",
    script: () => ({ action: "done", fault: { kind: "cut", afterBytes: 150 } }),
    says: /LEG5013\]: provider loopback.*lost/,
  },
  {
    name: "a server that answers 500",
    script: () => ({ error: { status: 500, message: "out of order" } }),
    says: /loopback[\s\S]*500/,
  },
  {
    name: "a server that knows no such key",
    script: () => ({ error: { status: 401, message: "bad key k-canary-4711" } }),
    says: /loopback[\s\S]*key/,
  },
  {
    name: "a server that answers with a web page",
    script: () => ({ body: "<html>Welcome</html>", contentType: "text/html" }),
    says: /loopback/,
  },
];

for (const { name, script, says } of broken) {
  test(`${name} gives an error that names the provider, and exit code 1`, async () => {
    await using server = await startModelServer(script);
    const { exitCode, stdout, stderr } = await runAgainst(server.url);
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, says);
    const { status, reason, error } = JSON.parse(stdout);
    assert.deepEqual([status, reason], ["cancel", "provider_failed"]);
    assert.match(error.message, /loopback/);
    assert.doesNotMatch(stdout + stderr, /k-canary-4711/);
  });
}

test("a server that is not there gives an error that names the provider and its address", async () => {
  const { url, close } = await startModelServer([]);
  await close();
  const { exitCode, stderr } = await runAgainst(url);
  assert.equal(exitCode, 1);
  assert.match(stderr, /loopback/);
  assert.ok(stderr.includes(new URL(url).host), stderr);
});

test("the key of a provider reaches its header and nothing else, though a tool has it in hand", async () => {
  const key = "canary-0123456789-4711";
  await mkdir(join(folder, "secrets"), { mode: 0o700 });
  await writeFile(join(folder, "secrets", "key"), `${key}\n`, { mode: 0o600 });
  await writeFile(
    join(folder, "spy.ts"),
    `import { readFileSync } from "node:fs";
export const look = () => ({ key: readFileSync(new URL("./secrets/key", import.meta.url), "utf8"), n: 1 });
export function fail() { throw new Error("401 for " + look().key); }
`,
  );
  await using server = await startModelServer([
    { action: "eval_and_continue", code: "await tools.files.read({ path: 'secrets/key' })" },
    { action: "eval_and_continue", code: "await tools.spy.fail({})" },
    { action: "eval_and_complete", code: "await tools.spy.look({})" },
  ]);
  await writeFile(
    join(folder, "canary.yaml"),
    `apiVersion: legion.dev/v1
kind: Provider
metadata: { name: loopback }
spec: { wire: openai-chat, baseUrl: "${"$"}{URL}", apiKey: { valueFrom: { file: secrets/key } } }
---
apiVersion: legion.dev/v1
kind: Tool
metadata: { name: files }
spec: { type: builtin, builtin: files }
---
apiVersion: legion.dev/v1
kind: Tool
metadata: { name: spy }
spec: { type: module, module: spy.ts, functions: { look: { description: Looks. }, fail: { description: Fails. } } }
---
apiVersion: legion.dev/v1
kind: Agent
metadata: { name: spy }
spec: { description: Spies., model: loopback/any, tools: [files, spy], outputSchema: { type: object } }
`,
  );
  const words = ["run", "agent/spy", "x", "-f", "canary.yaml", "-o", "json", "-v"];
  const { exitCode, stdout, stderr } = await legion(words, {
    cwd: folder,
    env: { URL: server.url },
  });
  assert.equal(exitCode, 0, stderr);
  assert.equal(JSON.parse(stdout).value.n, 1);
  assert.ok(server.requests.every(({ headers }) => headers.authorization === `Bearer ${key}`));
  assert.match(stderr, /LEG4021|never readable|secret/);
  for (const text of [stdout, stderr, JSON.stringify(server.requests.map(({ body }) => body))]) {
    for (const form of [
      key,
      Buffer.from(key).toString("base64").slice(0, 20),
      encodeURIComponent(key),
    ]) {
      assert.ok(!text.includes(form), text);
    }
  }
});

test("a key that is not set is told by name, before anything is sent", async () => {
  await using server = await startModelServer(counting);
  const { exitCode, stderr } = await runAgainst(server.url, { env: { LOOPBACK_KEY: undefined } });
  assert.equal(exitCode, 1);
  assert.match(stderr, /LOOPBACK_KEY/);
  assert.equal(server.requests.length, 0);
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} in the middle of an answer ends the run with ${code}`, async () => {
    // The server sends the signal when the request has come: then the run is in the middle of it.
    const child: { kill?: (signal: NodeJS.Signals) => void } = {};
    await using server = await startModelServer(() => {
      child.kill?.(signal);
      return { action: "done", fault: { kind: "stall", afterBytes: 40 } };
    });
    const { exitCode, stdout } = await runAgainst(server.url, {
      onStart: (kill) => Object.assign(child, { kill }),
    });
    assert.equal(exitCode, code);
    assert.equal(JSON.parse(stdout).reason, "interrupted");
  });
}
