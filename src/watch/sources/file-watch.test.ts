// Goal: what happens to a file is told once, appended lines come whole and once in any rotation and over restarts, and closed files stay closed.
// Method: real files that are written, appended, renamed, cut and linked between looks; random scripts of a log against what was written.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import {
  appendFile,
  copyFile,
  link,
  mkdir,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import { textHash } from "../../lib/hash.ts";
import type { JsonObject } from "../../lib/json.ts";
import type { WatcherSpec } from "../../manifest/generated/watcher.ts";
import { look, type WatchPlace, watchPlace } from "../../testing/watch-sources.ts";
import type { WatchSource } from "../contract.ts";
import type { SourceDeps } from "./look.ts";

let place: WatchPlace;
let folder = "";
let count = 0;
before(async () => {
  place = await watchPlace();
});
beforeEach(async () => {
  count += 1;
  folder = path.join(place.folder, `case-${count}`);
  await mkdir(folder);
});
after(() => place[Symbol.asyncDispose]());

function watch(name: string, spec: Partial<WatcherSpec> = {}, deps: Partial<SourceDeps> = {}) {
  return place.source({ type: "fileWatch", path: path.join(folder, name), ...spec }, deps);
}
const inFolder = (name: string) => path.join(folder, name);

describe("events", () => {
  test("the first look tells none, whether there is a file or not", async () => {
    await writeFile(inFolder("a"), "text");
    assert.equal((await look(await watch("a"))).event, "none");
    assert.equal((await look(await watch("none"))).event, "none");
  });

  test("add, change, unlink and none follow what was done", async () => {
    const source = await watch("a");
    const events = [(await look(source)).event];
    for (const step of [
      () => writeFile(inFolder("a"), "one"),
      () => writeFile(inFolder("a"), "two"),
      () => undefined,
      () => appendFile(inFolder("a"), "more"),
      () => rm(inFolder("a")),
      () => undefined,
      () => writeFile(inFolder("a"), ""),
    ]) {
      await step();
      events.push((await look(source)).event);
    }
    assert.deepEqual(events, ["none", "add", "change", "none", "change", "unlink", "none", "add"]);
  });

  test("a file that another one took the place of by rename has changed", async () => {
    await writeFile(inFolder("a"), "one");
    const source = await watch("a");
    await look(source);
    await writeFile(inFolder("a.new"), "two");
    await rename(inFolder("a.new"), inFolder("a"));
    const { event, text } = await look(source);
    assert.deepEqual([event, text], ["change", "two"]);
  });

  test("writes of the same length one right after the other are all seen", async () => {
    const source = await watch("a");
    await look(source);
    for (let value = 100; value < 140; value += 1) {
      await writeFile(inFolder("a"), String(value));
      const { text, event } = await look(source);
      assert.equal(text, String(value));
      assert.notEqual(event, "none");
    }
  });

  test("a write with the same time as the one before is seen at the next look", async () => {
    const moment = new Date("2026-01-01T00:00:00Z");
    const put = async (text: string) => {
      await writeFile(inFolder("a"), text);
      await utimes(inFolder("a"), moment, moment);
    };
    await put("one");
    const source = await watch("a");
    await look(source);
    await put("two");
    const { event, text } = await look(source);
    assert.deepEqual([event, text], ["change", "two"]);
  });

  test("a touched file has changed, and its hash has not", async () => {
    await writeFile(inFolder("a"), "text");
    const source = await watch("a");
    const { hash } = await look(source);
    await utimes(inFolder("a"), new Date(), new Date(Date.now() + 60_000));
    const touched = await look(source);
    assert.deepEqual([touched.event, touched.hash], ["change", hash]);
  });
});

describe("roots", () => {
  test("of a file that is there", async () => {
    const moment = new Date("2026-02-03T04:05:06.789Z");
    await writeFile(inFolder("a.json"), '{"n":1}\n');
    await utimes(inFolder("a.json"), moment, moment);
    const sample = await look(await watch("a.json"));
    assert.deepEqual(sample, {
      ...{ ok: true, event: "none", path: inFolder("a.json"), present: true, lines: [] },
      ...{ bytes: 8, value: 8, mtime: moment.getTime(), hash: textHash('{"n":1}\n') },
      ...{ text: '{"n":1}\n', json: { n: 1 } },
    });
  });

  test("of one that is not", async () => {
    const sample = await look(await watch("none"));
    assert.deepEqual(sample, {
      ...{ ok: true, event: "none", path: inFolder("none"), present: false, lines: [] },
    });
  });

  test("a path is relative to the folder of the manifest", async () => {
    await writeFile(inFolder("a"), "here");
    const source = await place.source({ type: "fileWatch", path: `${path.basename(folder)}/a` });
    assert.equal((await look(source)).text, "here");
  });

  test("beyond maxBytes text and hash are of the beginning, and there is no JSON", async () => {
    await writeFile(inFolder("a"), "12345å");
    const { text, hash, json, bytes } = await look(await watch("a", { maxBytes: "6B" }));
    assert.deepEqual([text, json, bytes], ["12345", undefined, 7]);
    assert.equal(hash, textHash(Buffer.from("12345å").subarray(0, 6)));
  });

  test("what the system makes up is read at every look", {
    skip: process.platform !== "linux" && "there is no /proc",
  }, async () => {
    const source = await watch("", { path: "/proc/uptime" });
    const first = await look(source);
    assert.match(String(first.text), /^\d+\.\d+ /);
    assert.equal(first.bytes, String(first.text).length);
    let later = await look(source);
    while (later.text === first.text) later = await look(source);
    assert.equal(later.event, "change");
    assert.deepEqual(later.lines, []);
  });
});

describe("lines", () => {
  test("are those that were appended, whole, and each once", async () => {
    await writeFile(inFolder("log"), "old\nhalf ");
    const source = await watch("log");
    assert.deepEqual((await look(source)).lines, []);
    const steps: readonly (readonly [string, readonly string[]])[] = [
      ["", []],
      ["old line\n", ["half old line"]],
      ["one\r\ntwo\nthr", ["one", "two"]],
      ["", []],
      ["ee\n\n", ["three", ""]],
    ];
    for (const [text, lines] of steps) {
      await appendFile(inFolder("log"), text);
      assert.deepEqual((await look(source)).lines, lines, JSON.stringify(text));
    }
  });

  test("of a file that comes after the first look are all of its lines", async () => {
    const source = await watch("log");
    await look(source);
    await writeFile(inFolder("log"), "one\ntwo\n");
    assert.deepEqual((await look(source)).lines, ["one", "two"]);
  });

  test("a rotated file is read to its end, then the new one from its beginning", async () => {
    await writeFile(inFolder("log"), "old\n");
    const source = await watch("log");
    await look(source);
    await appendFile(inFolder("log"), "last\nwithout an end");
    await rename(inFolder("log"), inFolder("log.1"));
    await writeFile(inFolder("log"), "new\n");
    assert.deepEqual((await look(source)).lines, ["last", "without an end", "new"]);
    assert.deepEqual((await look(source)).lines, []);
  });

  test("so is one whose successor comes only after a look", async () => {
    await writeFile(inFolder("log"), "old\n");
    const source = await watch("log");
    await look(source);
    await appendFile(inFolder("log"), "last\n");
    await rename(inFolder("log"), inFolder("log-20260101"));
    assert.deepEqual((await look(source)).lines, []);
    await writeFile(inFolder("log"), "new\n");
    assert.deepEqual((await look(source)).lines, ["last", "new"]);
  });

  test("so is one that a link led to", async () => {
    await writeFile(inFolder("log-1"), "old\n");
    await symlink("log-1", inFolder("log"));
    const source = await watch("log");
    await look(source);
    await appendFile(inFolder("log-1"), "last\n");
    await writeFile(inFolder("log-2"), "new\n");
    await rm(inFolder("log"));
    await symlink("log-2", inFolder("log"));
    assert.deepEqual((await look(source)).lines, ["last", "new"]);
  });

  test("a file that was cut is read from its beginning", async () => {
    await writeFile(inFolder("log"), "a long old line\n");
    const source = await watch("log");
    await look(source);
    await copyFile(inFolder("log"), inFolder("log.1"));
    await truncate(inFolder("log"));
    await appendFile(inFolder("log"), "new\n");
    assert.deepEqual((await look(source)).lines, ["new"]);
  });

  test("a file that was written anew and longer is read from its beginning", async () => {
    await writeFile(inFolder("log"), "old\n");
    const source = await watch("log");
    await look(source);
    await writeFile(inFolder("log"), "new one\nnew two\n");
    assert.deepEqual((await look(source)).lines, ["new one", "new two"]);
  });

  test("at most maxBytes come at once, the rest at the next looks", async () => {
    const source = await watch("log", { maxBytes: "10B" });
    await look(source);
    await writeFile(inFolder("log"), "one\ntwo\nthree\nfour\n");
    const all = [];
    for (let at = 0; at < 4; at += 1) all.push((await look(source)).lines);
    assert.deepEqual(all, [["one", "two"], ["three"], ["four"], []]);
  });

  test("a line longer than maxBytes comes in pieces", async () => {
    const source = await watch("log", { maxBytes: "4B" });
    await look(source);
    await writeFile(inFolder("log"), "123456\n7\n");
    const all = [];
    for (let at = 0; at < 4; at += 1) all.push((await look(source)).lines);
    assert.deepEqual(all, [["1234"], ["56"], ["7"], []]);
  });

  test("what a look gave that was not taken comes again, also when that was the last of it", async () => {
    await writeFile(inFolder("log"), "");
    const source = await watch("log", { maxBytes: "20B" });
    await look(source);
    await appendFile(inFolder("log"), "first 12345\nsecond 1234\n");
    assert.deepEqual((await look(source)).lines, ["first 12345"]);
    const { saved } = { saved: source.save?.() };
    assert.deepEqual((await look(source)).lines, ["second 1234"]);
    source.restore?.(saved ?? {});
    assert.deepEqual((await look(source)).lines, ["second 1234"]);
    assert.deepEqual((await look(source)).lines, []);
  });

  test("a restart goes on where it was, also over a rotation, and tells what changed meanwhile", async () => {
    await writeFile(inFolder("log"), "old\n");
    const first = await watch("log");
    await look(first);
    const saved = JSON.parse(JSON.stringify(first.save?.()));
    await appendFile(inFolder("log"), "last\n");
    await rename(inFolder("log"), inFolder("log.1"));
    await writeFile(inFolder("log"), "new\n");
    const second = await watch("log");
    second.restore?.(saved);
    const { event, lines } = await look(second);
    assert.deepEqual([event, lines], ["change", ["last", "new"]]);
  });

  test("a restart without a change tells none", async () => {
    await writeFile(inFolder("log"), "old\n");
    const first = await watch("log");
    await look(first);
    const second = await watch("log");
    second.restore?.(first.save?.() ?? {});
    const { event, lines, text } = await look(second);
    assert.deepEqual([event, lines, text], ["none", [], "old\n"]);
  });

  test("what was seen of another file is left out", async () => {
    await writeFile(inFolder("log"), "old\n");
    await writeFile(inFolder("other"), "other\n");
    const first = await watch("log");
    await look(first);
    await appendFile(inFolder("log"), "last\n");
    const second = await watch("other");
    second.restore?.(first.save?.() ?? {});
    const { event, lines } = await look(second);
    assert.deepEqual([event, lines], ["none", []]);
  });

  for (const saved of [
    {},
    { seen: null },
    { seen: {} },
    { seen: { mark: 1, place: {} } },
    { seen: { mark: "", hash: "", place: { file: "", real: "", offset: "1", head: {} } } },
  ])
    test(`a state that is none is left out: ${JSON.stringify(saved)}`, async () => {
      await writeFile(inFolder("log"), "old\n");
      const source = await watch("log");
      source.restore?.({ path: inFolder("log"), ...saved } as JsonObject);
      const { event, lines } = await look(source);
      assert.deepEqual([event, lines], ["none", []]);
    });

  test("whatever is done to a log, no line is lost and none comes twice", async () => {
    const step = fc.constantFrom("line", "half", "rotate", "look", "restart");
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        run += 1;
        const log = inFolder(`log${run}`);
        let source = await watch(`log${run}`, { maxBytes: "40B" });
        await look(source);
        let written = "";
        let rotations = 0;
        const seen: unknown[] = [];
        const lookNow = async () => seen.push(...((await look(source)).lines as unknown[]));
        for (const [at, each] of steps.entries()) {
          if (each === "look") await lookNow();
          else if (each === "line" || each === "half") {
            const text = each === "line" ? `line ${at}\n` : `half ${at} `;
            await appendFile(log, text);
            written += text;
          } else if (each === "rotate") {
            // What is read of one file is looked for among all that were rotated, and one look is due for each.
            if (written !== "") await lookNow();
            rotations += 1;
            const done = await rename(log, `${log}.${rotations}`).then(
              () => true,
              () => false,
            );
            // A line that nobody can end any more has ended.
            if (done && written !== "" && !written.endsWith("\n")) written += "\n";
            await writeFile(log, "");
            await lookNow();
          } else {
            const saved = JSON.parse(JSON.stringify(source.save?.()));
            source = await watch(`log${run}`, { maxBytes: "40B" });
            source.restore?.(saved);
          }
        }
        for (let at = 0; at < 30; at += 1) await lookNow();
        const whole = written.slice(0, written.lastIndexOf("\n") + 1);
        assert.deepEqual(seen, whole === "" ? [] : whole.slice(0, -1).split("\n"));
      }),
      { numRuns: 60 },
    );
  });
});

describe("what is closed", () => {
  const code = async (source: Awaited<ReturnType<typeof watch>>) => {
    const sample = await look(source);
    assert.equal(sample.ok, false);
    assert.equal(sample.text, undefined);
    return (sample.error as { code: string }).code;
  };

  test("a file with a secret of the manifests, also behind a link and by a second name", async () => {
    const secret = inFolder("key");
    await writeFile(secret, "secret");
    await symlink("key", inFolder("soft"));
    await link(secret, inFolder("hard"));
    for (const name of ["key", "soft", "hard"]) {
      const source = await watch(name, {}, { secretFiles: () => [secret] });
      assert.equal(await code(source), "denied", name);
    }
  });

  test("the state folder, also behind a link", async () => {
    const stateFolder = inFolder("state");
    await mkdir(stateFolder);
    await writeFile(path.join(stateFolder, "legion.db"), "secret");
    await symlink("state", inFolder("elsewhere"));
    for (const name of ["state/legion.db", "elsewhere/legion.db"])
      assert.equal(await code(await watch(name, {}, { stateFolder })), "denied", name);
  });

  test("what the system shows of processes", {
    skip: process.platform !== "linux" && "there is no /proc",
  }, async () => {
    const ofProcess = ["/proc/self/environ", `/proc/${process.pid}/mem`, "/proc/thread-self/maps"];
    for (const file of [...ofProcess, "/proc/kmsg"])
      assert.equal(await code(await watch("", { path: file })), "denied", file);
  });

  test("what is no file is not opened", async () => {
    execFileSync("mkfifo", [inFolder("pipe")]);
    const server = createServer().listen(inFolder("socket"));
    await mkdir(inFolder("folder"));
    for (const name of ["pipe", "socket", "folder"])
      assert.equal(await code(await watch(name)), "not_a_file", name);
    server.close();
    assert.equal(await code(await watch("", { path: "/dev/zero" })), "not_a_file");
  });

  test("links in a circle are told, a path through a file is no file", async () => {
    await symlink("b", inFolder("a"));
    await symlink("a", inFolder("b"));
    assert.equal(await code(await watch("a")), "unreadable");
    await writeFile(inFolder("file"), "");
    assert.equal((await look(await watch("file/below"))).present, false);
  });
});

if (process.platform === "linux") {
  test("no look leaves a file open, however it ends", async () => {
    const openFiles = () => readdirSync("/proc/self/fd").length;
    await writeFile(inFolder("log"), "old\n");
    await mkdir(inFolder("folder"));
    const denied = { secretFiles: () => [inFolder("log")] };
    const sources = [
      ...[await watch("log"), await watch("folder"), await watch("none")],
      await watch("log", {}, denied),
    ];
    const all = async () => {
      for (const source of sources) await look(source);
      await look(sources[0] as WatchSource, AbortSignal.abort());
    };
    await all();
    const before = openFiles();
    for (let at = 0; at < 5; at += 1) {
      await rename(inFolder("log"), inFolder(`log.${at}`));
      await writeFile(inFolder("log"), "new\n");
      await all();
    }
    assert.equal(openFiles(), before);
  });
}
