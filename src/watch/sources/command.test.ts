// Goal: a look at a program ends, with all that the program has started, whatever the program does, and tells what it printed and ended with.
// Method: real programs that print, fail, hang, ignore signals and leave children behind; what is still alive is asked of the system.
import assert from "node:assert/strict";
import { mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { WatcherSpec } from "../../manifest/generated/watcher.ts";
import { look, type WatchPlace, watchPlace } from "../../testing/watch-sources.ts";

let place: WatchPlace;
before(async () => {
  place = await watchPlace();
});
after(() => place[Symbol.asyncDispose]());

const run = (command: string[], spec: Partial<WatcherSpec> = {}, env = place.deps.env) =>
  place.source({ type: "command", command, ...spec }, { env });
const shell = (script: string, spec: Partial<WatcherSpec> = {}) => run(["sh", "-c", script], spec);

/** The process numbers that a script has written into a file of the folder, once it has. */
async function pidsIn(name: string): Promise<number[]> {
  for (;;) {
    const text = await readFile(path.join(place.folder, name), "utf8").catch(() => "");
    if (text.endsWith("\n")) return text.trim().split(/\s+/).map(Number);
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when a process that was killed is buried: its parent, or the first process, does that at once. */
async function untilGone(pid: number): Promise<void> {
  for (;;) {
    const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
    if (/\) [ZX]/.test(state) || !lives(pid)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("what is told", () => {
  const rows: readonly {
    readonly name: string;
    readonly script: string;
    readonly says: Readonly<Record<string, unknown>>;
  }[] = [
    {
      name: "output and success",
      script: "echo out; echo err >&2",
      says: { ok: true, exit: 0, value: 0, stdout: "out", stderr: "err", timedOut: false },
    },
    {
      name: "a failure is a result",
      script: "echo no; exit 3",
      says: { ok: true, exit: 3, value: 3, stdout: "no" },
    },
    {
      name: "JSON",
      script: `echo '{"free": 12}'`,
      says: { json: { free: 12 }, stdout: '{"free": 12}' },
    },
    { name: "a number is JSON", script: "echo 87", says: { json: 87, stdout: "87" } },
    { name: "what is no JSON", script: "echo 87%", says: { json: undefined, stdout: "87%" } },
    { name: "one line break is left out", script: "printf 'a\\n\\n'", says: { stdout: "a\n" } },
    { name: "nothing", script: ":", says: { stdout: "", stderr: "", exit: 0, json: undefined } },
    {
      name: "the signal that ended it",
      script: "kill -9 $$",
      says: { ok: true, signal: "SIGKILL", exit: undefined, value: undefined, timedOut: false },
    },
    { name: "standard input is closed", script: "cat; echo end", says: { stdout: "end" } },
  ];
  for (const { name, script, says } of rows) {
    test(name, async () => {
      const sample = await look(await shell(script));
      for (const [root, value] of Object.entries(says)) assert.deepEqual(sample[root], value, root);
      assert.ok(Number(sample.duration) >= 0);
    });
  }

  test("output beyond maxBytes is cut, and the program ends all the same", async () => {
    const script = "head -c 3000000 /dev/zero | tr '\\0' o; head -c 100 /dev/zero | tr '\\0' x >&2";
    const sample = await look(await shell(script, { maxBytes: "1kB" }));
    assert.equal(sample.exit, 0);
    assert.equal(Buffer.byteLength(String(sample.stdout)), 1_000);
    assert.equal(sample.stderr, "x".repeat(100));
  });

  test("JSON that was cut is none", async () => {
    const { json, stdout } = await look(await shell("echo 123456", { maxBytes: "3B" }));
    assert.deepEqual([json, stdout], [undefined, "123"]);
  });

  test("arguments are not read by a shell", async () => {
    const sample = await look(await run(["echo", "$HOME; ls", "*"]));
    assert.equal(sample.stdout, "$HOME; ls *");
  });

  test("it runs in the folder of the manifest, with the variables that were named and no others", async () => {
    const env = { PATH: process.env.PATH, NAMED: "yes", SECRET: "no" };
    const source = await run(["sh", "-c", "pwd; echo $NAMED$SECRET"], { env: ["NAMED"] }, env);
    const { stdout } = await look(source);
    assert.equal(stdout, `${await realpath(place.folder)}\nyes`);
  });
});

describe("what cannot be run", () => {
  for (const [name, command] of [
    ["a program that is not there", ["no-such-program"]],
    ["a file that is no program", ["./text"]],
    ["an argument that cannot be one", ["echo", "a\0b"]],
  ] as const) {
    test(`${name} is a fault`, async () => {
      await writeFile(path.join(place.folder, "text"), "text");
      const { ok, error } = await look(await run([...command]));
      assert.equal(ok, false);
      assert.equal((error as { code: string }).code, "spawn");
    });
  }
});

describe("programs that do not end", () => {
  const scripts: readonly (readonly [name: string, script: string])[] = [
    ["one that hangs", "echo begun; echo $$ > pids-NAME; exec sleep 1000"],
    [
      "one that ignores SIGTERM",
      "trap '' TERM; echo begun; echo $$ > pids-NAME; while :; do sleep 1000; done",
    ],
    [
      "one with children",
      "sleep 1000 & a=$!; sleep 1000 & echo begun; echo $$ $a $! > pids-NAME; wait",
    ],
  ];
  for (const [at, [name, script]] of scripts.entries()) {
    test(`${name} is ended at the end of the time, with what it had printed`, async () => {
      const stop = new AbortController();
      const sample = look(await shell(script.replaceAll("NAME", String(at))), stop.signal);
      const pids = await pidsIn(`pids-${at}`);
      stop.abort();
      const { ok, error, timedOut, stdout, exit } = await sample;
      assert.deepEqual([ok, timedOut, stdout, exit], [false, true, "begun", undefined]);
      assert.deepEqual(error, { code: "timeout", message: '"sh" did not end in time' });
      await Promise.all(pids.map(untilGone));
    });
  }

  test("one that was to end before it began is ended", async () => {
    const { ok, timedOut } = await look(await shell("sleep 1000"), AbortSignal.abort());
    assert.equal(ok, false);
    assert.notEqual(timedOut, false);
  });

  test("a child that holds the output open does not hold up the look, and is ended", async () => {
    const sample = await look(await shell("sleep 1000 & echo $! > pids-held; echo out"));
    assert.deepEqual([sample.ok, sample.exit, sample.stdout], [true, 0, "out"]);
    const [child = 0] = await pidsIn("pids-held");
    await untilGone(child);
  });

  test("so it does where the child has left for a session of its own", async () => {
    const left = "setsid sh -c 'echo $$ > pids-left; exec sleep 1000' &";
    const script = `${left} while [ ! -s pids-left ]; do :; done; echo out`;
    const { ok, stdout } = await look(await shell(script));
    assert.deepEqual([ok, stdout], [true, "out"]);
    const [pid = 0] = await pidsIn("pids-left");
    assert.ok(lives(pid));
    process.kill(pid);
  });

  test("close ends one that runs, and resolves when it is gone", async () => {
    const source = await shell("echo $$ > pids-closed; exec sleep 1000");
    const sample = look(source);
    const [pid = 0] = await pidsIn("pids-closed");
    await source.close?.();
    assert.equal(lives(pid), false);
    assert.equal((await sample).ok, false);
  });
});

test("a folder that is gone is a fault", async () => {
  await mkdir(path.join(place.folder, "gone"));
  const watcher = place.watcher({ type: "command", command: ["true"] });
  const { createSource } = await import("./sources.ts");
  const moved = {
    ...watcher,
    source: { ...watcher.source, file: path.join(place.folder, "none", "w.yaml") },
  };
  const { error } = await look(await createSource(moved, place.deps));
  assert.equal((error as { code: string }).code, "spawn");
});
