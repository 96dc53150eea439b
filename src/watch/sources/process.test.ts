// Goal: a watcher tells whether processes run, how many, since when, and what they use, on systems with /proc and without.
// Method: real processes that are started and killed between looks; lines of stat and of ps as systems print them; lists that the test makes up for times.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { manualClock } from "../../lib/clock.ts";
import type { WatcherSpec } from "../../manifest/generated/watcher.ts";
import { look, type WatchPlace, watchPlace } from "../../testing/watch-sources.ts";
import type { SourceDeps } from "./look.ts";
import { createProcessList, type ProcessStats, parseProcStat } from "./process-list.ts";
import { parsePs } from "./process-ps.ts";

let place: WatchPlace;
const children: ChildProcess[] = [];
before(async () => {
  place = await watchPlace();
});
afterEach(async () => {
  for (const child of children.splice(0)) await end(child);
});
after(() => place[Symbol.asyncDispose]());

/** A process that waits, with a word in its command line that no other one has. */
async function start(word: string): Promise<ChildProcess> {
  const script = "process.stdout.write('ready'); process.stdin.resume()";
  const child = spawn(process.execPath, ["-e", script, word], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** With a list of its own, which is new for each look. */
function watch(spec: Partial<WatcherSpec>, deps: Partial<SourceDeps> = {}) {
  let nowMs = 0;
  const clock = { now: () => 0, monotonic: () => (nowMs += 1_000) };
  return place.source(
    { type: "process", ...spec },
    { processes: createProcessList(clock), ...deps },
  );
}

describe("processes of this machine", () => {
  test("are counted as they come and go", async () => {
    const word = `legion-probe-${process.pid}-counted`;
    const source = await watch({ match: `${word}$` });
    assert.deepEqual(await look(source), { ok: true, running: false, count: 0, value: 0 });
    const first = await start(word);
    const one = await look(source);
    assert.deepEqual([one.running, one.count, one.value, one.pid], [true, 1, 1, first.pid]);
    assert.ok(Number(one.rss) > 1_000_000 && Number(one.rss) < 1e9, `rss ${one.rss}`);
    assert.ok(Number(one.uptime) < 60_000, `uptime ${one.uptime}`);
    assert.ok(Number(one.cpu) >= 0, `cpu ${one.cpu}`);
    const second = await start(word);
    const two = await look(source);
    assert.equal(two.count, 2);
    assert.ok(Number(two.rss) > Number(one.rss));
    await end(first);
    assert.deepEqual([(await look(source)).count, (await look(source)).pid], [1, second.pid]);
    await end(second);
    assert.equal((await look(source)).running, false);
  });

  test("this process is one of them", async () => {
    const source = await watch({ match: "process\\.test" });
    const { running } = await look(source);
    assert.equal(running, true);
  });

  test("one is found by the number in a file, and is not there without the file", async () => {
    const child = await start("by-number");
    const source = await watch({ pidFile: "service.pid" });
    assert.equal((await look(source)).running, false);
    await writeFile(path.join(place.folder, "service.pid"), `${child.pid}\n`);
    const { running, pid, count } = await look(source);
    assert.deepEqual([running, pid, count], [true, child.pid, 1]);
    await end(child);
    assert.equal((await look(source)).running, false);
  });

  for (const text of ["", "abc", "-1", "0", "1 2", "99999999999", "1".repeat(100)])
    test(`a file with ${JSON.stringify(text.slice(0, 12))} is a fault`, async () => {
      await writeFile(path.join(place.folder, "bad.pid"), text);
      const { ok, error } = await look(await watch({ pidFile: "bad.pid" }));
      assert.deepEqual(
        [ok, error],
        [false, { code: "bad_pid", message: '"bad.pid" holds no process number' }],
      );
    });

  test("by ps the same one is found as by /proc", async () => {
    const word = `legion-probe-${process.pid}-ps`;
    const child = await start(word);
    const processes = createProcessList(manualClock(), "darwin");
    const { count, pid, rss } = await look(await watch({ match: `${word}$` }, { processes }));
    assert.deepEqual([count, pid], [1, child.pid]);
    assert.ok(Number(rss) > 1_000_000);
  });
});

test("one list is shared by all who ask within a moment", async () => {
  const clock = manualClock();
  const list = createProcessList(clock);
  const first = list.commandLines();
  clock.advance(249);
  assert.equal(list.commandLines(), first);
  clock.advance(1);
  const second = list.commandLines();
  assert.notEqual(second, first);
  assert.ok((await first).has(process.pid));
  await second;
});

describe("what they use", () => {
  const stats = (pid: number, uptimeMs: number, cpuMs: number): ProcessStats => ({
    ...{ pid, start: `start-${pid}`, uptimeMs, cpuMs, rssBytes: 1_000 * pid },
  });
  async function looks(lists: readonly (readonly ProcessStats[])[], everyMs: number) {
    const clock = manualClock();
    const left = [...lists];
    const processes = {
      commandLines: async () => new Map((left[0] ?? []).map(({ pid }) => [pid, "service"])),
      stats: async () => left.shift() ?? [],
    };
    const source = await watch({ match: "service" }, { clock, processes });
    const samples = [];
    while (left.length > 0) {
      samples.push(await look(source));
      clock.advance(everyMs);
    }
    return samples;
  }

  test("cpu is since the start at first, and then since the look before", async () => {
    const lists = [[stats(1, 10_000, 1_000)], [stats(1, 20_000, 6_000)], [stats(1, 30_000, 6_000)]];
    const samples = await looks(lists, 10_000);
    assert.deepEqual(
      samples.map(({ cpu }) => cpu),
      [10, 50, 0],
    );
  });

  test("of several it is the sum, and pid and uptime are those of the oldest", async () => {
    const [, second] = await looks(
      [[stats(7, 10_000, 0)], [stats(7, 20_000, 5_000), stats(3, 2_000, 1_000)]],
      10_000,
    );
    const { count, cpu, rss, pid, uptime } = second ?? {};
    assert.deepEqual([count, cpu, rss, pid, uptime], [2, 100, 10_000, 7, 20_000]);
  });

  test("another process with the same number begins anew", async () => {
    const other = { ...stats(1, 1_000, 100), start: "another" };
    const [, second] = await looks([[stats(1, 10_000, 9_000)], [other]], 10_000);
    assert.equal(second?.cpu, 10);
  });
});

describe("what systems print", () => {
  const units = { pageBytes: 4_096, ticksPerSecond: 100 };
  const line = (state: string, name = "node") =>
    `12 (${name}) ${state} 1 12 12 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 11 0 5000 1000000 300 18446744073709551615`;

  for (const name of ["node", "a) R (b", "((", "name with spaces"])
    test(`stat of a process with the name ${name}`, () => {
      assert.deepEqual(parseProcStat(line("S", name), units, 60_000), {
        ...{ start: "5000", uptimeMs: 10_000, cpuMs: 2_000, rssBytes: 1_228_800 },
      });
    });

  test("one that has ended, and half a line, are no process", () => {
    for (const text of [line("Z"), line("X"), "", "12 (node) S 1"])
      assert.equal(parseProcStat(text, units, 60_000), undefined);
  });

  test("ps", () => {
    const text = [
      "    1 Ss   01-02:03:04   0:01.50  12345 /sbin/launchd",
      "  501 S+      00:05 00:00:02      8 node --eval a  b",
      "  502 Z       00:05   0:00.00      0 (gone)",
      "",
    ].join("\n");
    const [first, second, ...rest] = parsePs(text, 200_000_000);
    assert.deepEqual(first, {
      ...{ pid: 1, uptimeMs: 93_784_000, cpuMs: 1_500, rssBytes: 12_641_280 },
      ...{ start: "10622", commandLine: "/sbin/launchd" },
    });
    assert.deepEqual(
      [second?.commandLine, second?.uptimeMs, second?.cpuMs],
      ["node --eval a  b", 5_000, 2_000],
    );
    assert.deepEqual(rest, []);
  });
});
