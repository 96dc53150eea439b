// Goal: a program that prints a secret ends in time with all that it started, and outlives neither its request nor this process.
// Method: real programs that hold a FIFO open while they live: its end is theirs.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LegionError } from "../lib/errors.ts";
import { type ProgramOptions, runSecretProgram } from "./secret-program.ts";

const folder = mkdtempSync(join(tmpdir(), "legion-program-"));
after(() => rmSync(folder, { recursive: true }));
const fifo = join(folder, "alive");
execFileSync("mkfifo", [fifo]);

const source = { file: join(folder, "provider.yaml") };
const env = { PATH: process.env.PATH };
/** The test ends long before the program would. */
const timeout = 20_000;
/** Tells its number, then lives on. */
const ANNOUNCE = `exec 3> ${fifo}; echo $$ >&3`;

const programs = [
  { name: "a program", script: `${ANNOUNCE}; exec sleep 60` },
  { name: "a program that ignores SIGTERM", script: `trap "" TERM; ${ANNOUNCE}; exec sleep 60` },
  { name: "what a program has started", script: `${ANNOUNCE}; sleep 60 & wait` },
  {
    name: "what a program has started and that ignores SIGTERM",
    script: `${ANNOUNCE}; (trap "" TERM; exec sleep 60) & wait`,
  },
  { name: "what a program has left behind", script: `${ANNOUNCE}; sleep 60 & exit 0` },
];

function run(script: string, options: Partial<ProgramOptions>): Promise<string> {
  const { signal } = new AbortController();
  return runSecretProgram(source, ["sh", "-c", script], "spec.apiKey of provider/x", {
    env,
    signal,
    ...options,
  });
}

/** The next program that announces itself: its number, and the end of the last process that it consists of. */
async function announced() {
  const stream = createReadStream(fifo, "utf8");
  const ended = once(stream, "end");
  const [pid] = await once(stream, "data");
  return { pid: Number(pid), ended };
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

for (const { name, script } of programs) {
  test(`an abort ends ${name}`, { timeout }, async () => {
    const controller = new AbortController();
    const running = run(script, { signal: controller.signal });
    const { pid, ended } = await announced();
    controller.abort();
    await assert.rejects(running, { code: "LEG5040", message: /"sh" .* was interrupted$/ });
    assert.ok(isGone(pid), "the program has ended when the error comes");
    await ended;
  });

  test(`the timeout ends ${name}`, { timeout }, async () => {
    const started = announced();
    await assert.rejects(run(script, { timeoutMs: 300 }), {
      code: "LEG5052",
      message: /took longer than 300 ms$/,
    });
    const { pid, ended } = await started;
    assert.ok(isGone(pid));
    await ended;
  });
}

test("nothing is started for a request that was aborted before", async () => {
  const trace = join(folder, "trace");
  const error = await run(`touch ${trace}`, { signal: AbortSignal.abort() }).catch(
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof LegionError);
  assert.equal(error.code, "LEG5040");
  assert.ok(!existsSync(trace));
});

test("an abort after the end changes nothing", async () => {
  const controller = new AbortController();
  assert.equal(await run("echo key", { signal: controller.signal }), "key");
  controller.abort();
});

test("a process that exits at once takes the program with it", { timeout }, async () => {
  const url = new URL(`./secret-program${import.meta.url.slice(-3)}`, import.meta.url).href;
  const argv = JSON.stringify(["sh", "-c", `${ANNOUNCE}; exec sleep 60`]);
  const script = `
    import { runSecretProgram } from ${JSON.stringify(url)};
    process.on("SIGINT", () => process.exit(7));
    const options = { env: process.env, signal: new AbortController().signal };
    await runSecretProgram({ file: ${JSON.stringify(source.file)} }, ${argv}, "x", options);
  `;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: "ignore",
  });
  const { ended } = await announced();
  parent.kill("SIGINT");
  assert.deepEqual(await once(parent, "exit"), [7, null]);
  await ended;
});
