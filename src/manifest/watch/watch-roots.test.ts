// Goal: whatever happens to files, what was told last is what is there; nothing half done is told; nothing is left behind.
// Method: real folders and real events with a short debounce; each row does something to a folder and awaits what is told.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { systemClock } from "../../lib/clock.ts";
import { textHash } from "../../lib/hash.ts";
import type { RootsChange, RootWatcher, WatchEvent, WatchOptions } from "./contract.ts";
import { scanRoots } from "./scan.ts";
import { watchRoots } from "./watch-roots.ts";

const DEBOUNCE_MS = 40;
const WAIT_MAX_MS = 10_000;

interface Watching {
  readonly folder: string;
  readonly watcher: RootWatcher;
  readonly changes: RootsChange[];
  readonly events: WatchEvent[];
  readonly stop: () => Promise<void>;
  write(file: string, text?: string): void;
  path(file: string): string;
  /** Resolves when something told, so far or later, fits. */
  told(fits: (change: RootsChange) => boolean): Promise<RootsChange>;
  /** Resolves when what was told last is what is there. */
  inStep(): Promise<RootsChange>;
}

/** Watches `root` of a new folder, which `before` filled, until the test ends. */
async function watching(
  t: Pick<TestContext, "after">,
  before: (path: (file: string) => string) => void = () => {},
  options: Partial<WatchOptions> = {},
): Promise<Watching> {
  const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "legion-watch-")));
  const path = (file: string) => join(folder, file);
  const write = (file: string, text = "{}") => {
    fs.mkdirSync(dirname(path(file)), { recursive: true });
    fs.writeFileSync(path(file), text);
  };
  fs.mkdirSync(path("root"));
  before(path);
  const controller = new AbortController();
  const changes: RootsChange[] = [];
  const events: WatchEvent[] = [];
  const listeners = new Set<() => void>();
  const watcher = watchRoots(["root"], {
    cwd: folder,
    clock: systemClock,
    signal: controller.signal,
    debounceMs: DEBOUNCE_MS,
    debounceMaxMs: 5 * DEBOUNCE_MS,
    onChange: (change) => {
      changes.push(change);
      for (const listener of listeners) listener();
    },
    onEvent: (event) => void events.push(event),
    ...options,
  });
  const told = async (fits: (change: RootsChange) => boolean | Promise<boolean>) => {
    const deadline = AbortSignal.timeout(WAIT_MAX_MS);
    for (;;) {
      // Listens first: something may be told while `fits` takes its time.
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const late = () => reject(new Error(`not told: ${JSON.stringify(changes.at(-1))}`));
      listeners.add(resolve);
      deadline.addEventListener("abort", late);
      try {
        for (const change of changes.toReversed()) if (await fits(change)) return change;
        await promise;
      } finally {
        listeners.delete(resolve);
        deadline.removeEventListener("abort", late);
      }
    }
  };
  const inStep = () =>
    told(async (change) => {
      if (change !== changes.at(-1)) return false;
      const { files } = await freshScan(folder);
      return JSON.stringify(files) === JSON.stringify(change.files);
    });
  const stop = async () => {
    controller.abort();
    await watcher.done;
  };
  t.after(async () => {
    await stop();
    execFileSync("rm", ["-rf", folder]);
  });
  await told(({ reason }) => reason === "start");
  return { folder, watcher, changes, events, stop, write, path, told, inStep };
}

async function freshScan(folder: string) {
  const { files, roots } = await scanRoots({
    roots: ["root"],
    cwd: folder,
    followed: [],
    nowMs: Date.now,
  });
  return { files: [...files].map(([file, { digest }]) => ({ file, digest })), roots };
}

const told = ({ files }: RootsChange, folder: string) =>
  files.map(({ file }) => file.slice(folder.length + "/root/".length));
const changed = ({ changes }: RootsChange, folder: string) =>
  changes.map(({ file, change }) => `${change} ${file.slice(folder.length + "/root/".length)}`);

interface Row {
  readonly name: string;
  readonly before?: (path: (file: string) => string) => void;
  readonly act: (path: (file: string) => string) => void;
  /** All that is told after the start, one list a call. */
  readonly want: readonly (readonly string[])[];
}

const rows: readonly Row[] = [
  {
    name: "a new file is told as added",
    act: (path) => fs.writeFileSync(path("root/a.yaml"), "{}"),
    want: [["added a.yaml"]],
  },
  {
    name: "a file that is written in place is told as modified",
    before: (path) => fs.writeFileSync(path("root/a.yaml"), "{}"),
    act: (path) => fs.writeFileSync(path("root/a.yaml"), "[]"),
    want: [["modified a.yaml"]],
  },
  {
    name: "an atomic save is one modification",
    before: (path) => fs.writeFileSync(path("root/a.yaml"), "{}"),
    act: (path) => {
      fs.writeFileSync(path("root/.a.yaml.tmp"), "[]");
      fs.renameSync(path("root/.a.yaml.tmp"), path("root/a.yaml"));
    },
    want: [["modified a.yaml"]],
  },
  {
    name: "a save that keeps a backup and writes anew is one modification",
    before: (path) => fs.writeFileSync(path("root/a.yaml"), "{}"),
    act: (path) => {
      fs.renameSync(path("root/a.yaml"), path("root/a.yaml~"));
      fs.writeFileSync(path("root/a.yaml"), "[]");
      fs.rmSync(path("root/a.yaml~"));
    },
    want: [["modified a.yaml"]],
  },
  {
    name: "the same size and the same times do not hide other content",
    before: (path) => {
      fs.writeFileSync(path("root/a.yaml"), "{}");
      fs.utimesSync(path("root/a.yaml"), 1_000_000, 1_000_000);
    },
    act: (path) => {
      fs.writeFileSync(path("root/a.yaml"), "[]");
      fs.utimesSync(path("root/a.yaml"), 1_000_000, 1_000_000);
    },
    want: [["modified a.yaml"]],
  },
  {
    name: "a removed file is told as removed",
    before: (path) => fs.writeFileSync(path("root/a.yaml"), "{}"),
    act: (path) => fs.rmSync(path("root/a.yaml")),
    want: [["removed a.yaml"]],
  },
  {
    name: "a new folder in a new folder is watched and searched",
    act: (path) => {
      fs.mkdirSync(path("root/b/c"), { recursive: true });
      fs.writeFileSync(path("root/b/c/a.yaml"), "{}");
    },
    want: [["added b/c/a.yaml"]],
  },
  {
    name: "a renamed folder takes its files along",
    before: (path) => {
      fs.mkdirSync(path("root/b"));
      fs.writeFileSync(path("root/b/a.yaml"), "{}");
    },
    act: (path) => fs.renameSync(path("root/b"), path("root/c")),
    want: [["removed b/a.yaml"], ["added c/a.yaml"]],
  },
  {
    name: "a ..data link that is swapped, as a ConfigMap does, is one change of all its files (reliability R31)",
    before: (path) => {
      for (const [version, text] of ["{}", "[]"].entries()) {
        fs.mkdirSync(path(`root/..v${version}`));
        for (const name of ["a", "b"])
          fs.writeFileSync(path(`root/..v${version}/${name}.yaml`), text);
      }
      fs.symlinkSync("..v0", path("root/..data"));
      for (const name of ["a", "b"])
        fs.symlinkSync(`..data/${name}.yaml`, path(`root/${name}.yaml`));
    },
    act: (path) => {
      fs.symlinkSync("..v1", path("root/..data_tmp"));
      fs.renameSync(path("root/..data_tmp"), path("root/..data"));
      fs.rmSync(path("root/..v0"), { recursive: true });
    },
    want: [["modified a.yaml", "modified b.yaml"]],
  },
  {
    name: "the target of a link is watched where it stands",
    before: (path) => {
      fs.mkdirSync(path("root/.hidden"));
      fs.writeFileSync(path("root/.hidden/a.yaml"), "{}");
      fs.symlinkSync(".hidden/a.yaml", path("root/a.yaml"));
    },
    act: (path) => fs.writeFileSync(path("root/.hidden/a.yaml"), "[]"),
    want: [["modified a.yaml"]],
  },
];

for (const { name, before, act, want } of rows) {
  test(name, async (t) => {
    const { folder, path, changes, inStep } = await watching(t, before);
    act(path);
    const last = await inStep();
    assert.ok(changes.indexOf(last) > 0, "something was told after the start");
    // A folder that is only now watched may be told after the rest; never the other way round.
    assert.deepEqual(
      changes.slice(1).flatMap((change) => changed(change, folder)),
      want.flat(),
    );
    assert.ok(changes.length <= 1 + want.length);
  });
}

test("a file that is removed and made again within the debounce is never told as removed (reliability R30)", async (t) => {
  const {
    folder,
    path,
    write,
    changes,
    told: until,
  } = await watching(t, (path) => fs.writeFileSync(path("root/a.yaml"), "{}"));
  fs.rmSync(path("root/a.yaml"));
  await sleep(DEBOUNCE_MS / 4);
  write("root/a.yaml", "{}");
  write("root/b.yaml");
  await until((change) => changed(change, folder).includes("added b.yaml"));
  assert.deepEqual(changed(changes.at(-1) as RootsChange, folder), ["added b.yaml"]);
  assert.equal(changes.length, 2);
});

test("a file that is written in ten pieces is told when it is whole, and only then (reliability R30)", async (t) => {
  const { path, changes, inStep } = await watching(t, undefined, {
    debounceMs: 120,
    debounceMaxMs: 240,
  });
  for (let piece = 0; piece < 10; piece += 1) {
    fs.appendFileSync(path("root/a.yaml"), `${piece}\n`);
    await sleep(30);
  }
  const { files } = await inStep();
  assert.equal(changes.length, 2);
  assert.equal(files[0]?.digest, textHash("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"));
});

test("a thousand quick edits are few changes and end with the last content (reliability R29)", async (t) => {
  const { folder, write, changes, told: until } = await watching(t);
  const startMs = performance.now();
  for (let edit = 0; edit < 1_000; edit += 1) {
    write("root/a.yaml", `edit: ${edit}`);
    if (edit % 50 === 0) await sleep(1);
  }
  await until(({ files }) => files[0]?.digest === textHash("edit: 999"));
  const windows = Math.ceil((performance.now() - startMs) / DEBOUNCE_MS);
  assert.ok(changes.length - 1 <= windows, `${changes.length} changes in ${windows} windows`);
  assert.deepEqual(told(changes.at(-1) as RootsChange, folder), ["a.yaml"]);
});

test("a root that vanishes is missing, not empty, and is told whole when it comes back", async (t) => {
  const {
    folder,
    path,
    write,
    told: until,
    changes,
  } = await watching(t, (path) => fs.writeFileSync(path("root/a.yaml"), "{}"));
  fs.renameSync(path("root"), path("away"));
  const gone = await until(({ roots }) => roots[0]?.status === "missing");
  assert.deepEqual(told(gone, folder), ["a.yaml"]);
  assert.deepEqual(gone.changes, []);
  write("root/b.yaml");
  await until(
    (change) => change.roots[0]?.status === "ok" && told(change, folder).includes("b.yaml"),
  );
  const all = changes.slice(1).flatMap((change) => changed(change, folder));
  assert.deepEqual(all.toSorted(), ["added b.yaml", "removed a.yaml"]);
});

test("a git checkout is told once, after git has given its lock back (reliability R32)", async (t) => {
  let hints = 0;
  const { path, write, changes, inStep } = await watching(
    t,
    (path) => {
      fs.mkdirSync(path(".git"));
      for (let index = 0; index < 500; index += 1)
        fs.writeFileSync(path(`root/${index}.yaml`), "old");
    },
    {
      openFolder: (folder, onHint, onError) =>
        fs
          .watch(folder, (_, name) => {
            hints += 1;
            onHint(name);
          })
          .on("error", onError),
    },
  );
  fs.writeFileSync(path(".git/index.lock"), "");
  for (let index = 0; index < 500; index += 1) {
    write(`root/${index}.yaml`, "new");
    // Longer than the debounce, so that only the lock keeps it from being told by halves.
    if (index % 100 === 0) await sleep(2 * DEBOUNCE_MS);
  }
  assert.ok(hints > 0, "the folder did tell");
  assert.equal(changes.length, 1, "nothing is told while the lock is held");
  fs.rmSync(path(".git/index.lock"));
  await inStep();
  assert.deepEqual(
    changes.map((change) => change.changes.length),
    [500, 500],
  );
});

test("when folders cannot be watched, one warning is given and changes are still found (reliability R31)", async (t) => {
  const exhausted = Object.assign(new Error("System limit for number of file watchers reached"), {
    code: "ENOSPC",
  });
  const {
    write,
    events,
    told: until,
  } = await watching(t, undefined, {
    pollMs: 20,
    openFolder: () => {
      throw exhausted;
    },
  });
  for (const name of ["a", "b"]) {
    write(`root/${name}.yaml`);
    await until(({ files }) => files.some(({ file }) => file.endsWith(`${name}.yaml`)));
  }
  assert.deepEqual(
    events.map((event) => [event.type, "code" in event && event.code]),
    [["polling", "LEG1083"]],
  );
});

test("polling finds what events would", async (t) => {
  const {
    write,
    path,
    events,
    inStep,
    told: until,
  } = await watching(t, undefined, {
    method: "poll",
    pollMs: 20,
  });
  write("root/b/a.yaml");
  await until(({ files }) => files.length === 1);
  fs.rmSync(path("root/b"), { recursive: true });
  await until(({ files, reason }) => files.length === 0 && reason === "change");
  await inStep();
  assert.deepEqual(events, []);
});

test("links in circles, links out of the root and a tree of 5,000 folders are bounded (reliability R28)", async (t) => {
  const { folder, write, inStep, changes } = await watching(t, (path) => {
    fs.writeFileSync(path("outside.yaml"), "{}");
    fs.symlinkSync("../outside.yaml", path("root/out.yaml"));
    fs.symlinkSync("..", path("root/up"));
    fs.mkdirSync(path("root/loop"));
    fs.symlinkSync("../loop", path("root/loop/again"));
    // Such a tree can only be made from within, as the path of its end is longer than a path may be.
    const script =
      'for (let depth = 0; depth < 5000; depth += 1) { fs.mkdirSync("d"); process.chdir("d"); }';
    execFileSync(process.execPath, ["-e", script], { cwd: path("root") });
  });
  assert.deepEqual(changes[0]?.roots[0]?.status, "incomplete");
  write("root/loop/a.yaml");
  assert.deepEqual(told(await inStep(), folder), ["loop/a.yaml"]);
});

test("what Legion writes itself is not told, what others write over it is", async (t) => {
  const { folder, write, path, watcher, changes, told: until } = await watching(t);
  watcher.wrote("root/a.yaml", textHash("own"));
  write("root/a.yaml", "own");
  write("root/b.yaml");
  await until((change) => told(change, folder).includes("b.yaml"));
  assert.deepEqual(
    changes.slice(1).flatMap((change) => changed(change, folder)),
    ["added b.yaml"],
  );
  assert.deepEqual(told(changes.at(-1) as RootsChange, folder), ["a.yaml", "b.yaml"]);
  watcher.wrote("root/b.yaml", undefined);
  fs.rmSync(path("root/b.yaml"));
  write("root/a.yaml", "theirs");
  await until((change) => changed(change, folder).includes("modified a.yaml"));
  assert.deepEqual(told(changes.at(-1) as RootsChange, folder), ["a.yaml"]);
});

test("a forced search tells also when nothing has changed", async (t) => {
  const { watcher, changes } = await watching(t);
  await watcher.rescan();
  assert.deepEqual(
    changes.map(({ reason }) => reason),
    ["start", "forced"],
  );
  assert.equal(changes[0]?.digest, changes[1]?.digest);
});

test("files that manifests name are followed, whatever they are called", async (t) => {
  const {
    path,
    write,
    watcher,
    told: until,
  } = await watching(t, (path) => fs.writeFileSync(path("root/tool.ts"), "1"));
  watcher.follow([path("root/tool.ts")]);
  await until(({ files }) => files[0]?.digest === textHash("1"));
  write("root/tool.ts", "2");
  await until(({ files }) => files[0]?.digest === textHash("2"));
});

test("a listener that fails is told of, and watching goes on", async (t) => {
  const seen: string[] = [];
  const { folder } = await watching(t);
  const controller = new AbortController();
  t.after(() => controller.abort());
  const failing = watchRoots(["root"], {
    cwd: folder,
    clock: systemClock,
    signal: controller.signal,
    method: "poll",
    onChange: ({ reason }) => {
      seen.push(reason);
      if (seen.length === 1) throw new Error("no");
    },
    onEvent: ({ type }) => void seen.push(type),
  });
  await failing.rescan();
  await failing.rescan();
  assert.deepEqual(seen, ["start", "failed", "forced"]);
});

test("nothing is left when watching ends: a process that only watches lives until then", async (t) => {
  const { folder, watcher, stop } = await watching(t);
  const pending = watcher.rescan();
  await stop();
  await pending;
  await watcher.rescan();
  const modules = ["./watch-roots.ts", "../../lib/clock.ts"].map((file) =>
    JSON.stringify(new URL(file, import.meta.url).href),
  );
  const script = `
    const [{ watchRoots }, { systemClock }] = await Promise.all([${modules.map((url) => `import(${url})`)}]);
    const controller = new AbortController();
    process.once("SIGTERM", () => controller.abort());
    watchRoots(["root"], { cwd: ${JSON.stringify(folder)}, clock: systemClock, signal: controller.signal, onChange: () => process.stdout.write("told") });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  t.after(() => child.kill("SIGKILL"));
  const exited = once(child, "exit");
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
});

const names = ["a.yaml", "b.json", "sub/a.yaml", "sub/deep/b.yaml", "other/a.yaml"];
const step = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    name: fc.constantFrom(...names),
    text: fc.constantFrom("1", "2"),
  }),
  fc.record({
    do: fc.constant("remove" as const),
    name: fc.constantFrom(...names, "sub", "other"),
  }),
  fc.record({
    do: fc.constant("move" as const),
    name: fc.constantFrom(...names, "sub", "sub/deep", "other"),
    to: fc.constantFrom(...names, "moved", "other"),
  }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, DEBOUNCE_MS) }),
);

test("after any operations what was told last is what a fresh search finds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const ends: (() => Promise<void>)[] = [];
      const one = await watching({ after: (end) => void ends.push(end as () => Promise<void>) });
      try {
        for (const each of steps) {
          if (each.do === "wait") await sleep(each.ms);
          else apply(one, each);
        }
        await one.inStep();
      } finally {
        for (const end of ends) await end();
      }
    }),
    { numRuns: 40 },
  );
});

/** Does one thing to the root; what cannot be done is left undone. */
function apply(
  { path, write }: Watching,
  each: {
    readonly do: string;
    readonly name: string;
    readonly text?: string;
    readonly to?: string;
  },
): void {
  try {
    if (each.do === "write") write(`root/${each.name}`, each.text);
    else if (each.do === "remove") fs.rmSync(path(`root/${each.name}`), { recursive: true });
    else fs.renameSync(path(`root/${each.name}`), path(`root/${each.to}`));
  } catch (error) {
    assert.match((error as NodeJS.ErrnoException).code ?? "", /^E[A-Z]+$/);
  }
}
