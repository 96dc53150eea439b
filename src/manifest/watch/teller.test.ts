// Goal: what is still being written waits, but not for ever; a file that changes too often is held as it was, and taken up again when it is quiet.
// Method: searches with made-up contents and times go to the teller, one a step; what it tells is compared.
import assert from "node:assert/strict";
import { test } from "node:test";
import { textHash } from "../../lib/hash.ts";
import { createBurst } from "./burst.ts";
import type { RootStatus, WatchEvent } from "./contract.ts";
import {
  DEBOUNCE_MAX_MS,
  DEBOUNCE_MS,
  RELOADS_MAX,
  SUSPENDED_QUIET_MS,
  UNSETTLED_MAX_MS,
} from "./limits.ts";
import type { Snapshot } from "./scan.ts";
import { createTeller } from "./teller.ts";

const FILE = "/root/a.yaml";
const ROOT = "/root";

function snapshot(digest: string | undefined, status: RootStatus = "ok"): Snapshot {
  const state = { digest: digest ?? "", isCurrent: () => true };
  return {
    files: new Map(digest === undefined ? [] : [[FILE, state]]),
    roots: [{ root: ROOT, status }],
    folders: new Map([[ROOT, ROOT]]),
    faults: [],
    isPlain: false,
  };
}

interface StepOptions {
  readonly hints?: readonly number[];
  readonly isHeard?: boolean;
  readonly newFolders?: readonly string[];
  /** Paths that were hinted at while it was searched. */
  readonly meanwhile?: readonly string[];
  readonly isForced?: boolean;
}

/** A teller whose start was told with `first`; `step` searches at a time, after hints at others. */
function started(first: string | undefined) {
  const events: WatchEvent[] = [];
  const teller = createTeller((event) => void events.push(event));
  let before = snapshot(first);
  const none = createBurst(DEBOUNCE_MS, DEBOUNCE_MAX_MS);
  const rest = { newFolders: [], isForced: false };
  teller.tell({ found: before, before: undefined, burst: none, during: none, startMs: 0, ...rest });
  const step = (
    startMs: number,
    found: Snapshot,
    {
      hints = [],
      isHeard = true,
      newFolders = [],
      meanwhile = [],
      isForced = false,
    }: StepOptions = {},
  ) => {
    const during = createBurst(DEBOUNCE_MS, DEBOUNCE_MAX_MS);
    for (const path of meanwhile) during.note(path, startMs, true);
    const burst = createBurst(DEBOUNCE_MS, DEBOUNCE_MAX_MS);
    for (const atMs of hints) burst.note(FILE, atMs, isHeard);
    const round = { ...rest, found, before, burst, during, startMs, newFolders, isForced };
    const telling = teller.tell(round);
    before = found;
    return telling;
  };
  return { teller, events, step };
}

test("a file is told after quiet, and held while there were hints of late", () => {
  const { step } = started("1");
  const early = step(1_000, snapshot("2"), { hints: [800] });
  assert.deepEqual([early.change, early.held], [undefined, [FILE]]);
  const later = step(1_000 + DEBOUNCE_MS, snapshot("2"), { hints: [1_000] });
  assert.deepEqual(later.change?.changes, [{ file: FILE, change: "modified" }]);
  assert.deepEqual(later.held, []);
});

test("a change that no event told is told when two searches agree", () => {
  const { step } = started("1");
  assert.deepEqual(step(1_000, snapshot("2")).held, [FILE]);
  assert.deepEqual(step(2_000, snapshot("3"), { hints: [1_000], isHeard: false }).held, [FILE]);
  const { change } = step(3_000, snapshot("3"), { hints: [2_000], isHeard: false });
  assert.equal(change?.files[0]?.digest, "3");
});

test("a file that is written without a pause is told in the end", () => {
  const { step } = started("1");
  let told = 0;
  for (let atMs = 1_000; atMs <= 1_000 + UNSETTLED_MAX_MS; atMs += 100)
    if (step(atMs, snapshot(`at ${atMs}`), { hints: [atMs] }).change !== undefined) told += 1;
  assert.equal(told, 1);
});

for (const isForced of [false, true]) {
  test(`what was written while it was read is not told, ${isForced ? "although it was asked for" : "although all was quiet before"}`, () => {
    const { step } = started("1");
    const early = step(1_000, snapshot("half"), { hints: [500], meanwhile: [FILE], isForced });
    assert.deepEqual([early.change?.changes ?? [], early.held], [[], [FILE]]);
    assert.deepEqual(early.change?.unsettled ?? [FILE], [FILE]);
    const later = step(1_400, snapshot("2"), { hints: [1_000] });
    assert.deepEqual(later.change?.changes, [{ file: FILE, change: "modified" }]);
  });
}

/** The search that finds the file at a place in a folder that is watched only now. */
function elsewhere(digest: string): { readonly found: Snapshot; readonly file: string } {
  const file = `${ROOT}/new/b.yaml`;
  const files = new Map([[file, { digest, isCurrent: () => true }]]);
  return { found: { ...snapshot(undefined), files }, file };
}

test("a file that moves into a new folder is never told as removed before it is told where it went", () => {
  const { step } = started("1");
  const { found, file } = elsewhere("1");
  const early = step(1_000, found, { hints: [500], newFolders: [`${ROOT}/new`] });
  assert.deepEqual([early.change, early.held.toSorted()], [undefined, [FILE, file]]);
  const later = step(1_000 + DEBOUNCE_MS, found, { hints: [1_000] });
  assert.deepEqual(later.change?.changes, [
    { file: FILE, change: "removed" },
    { file, change: "added" },
  ]);
});

test("a removal waits only so long for files that are still being written", () => {
  const { step } = started("1");
  let removed = 0;
  for (let atMs = 1_000; atMs <= 1_000 + UNSETTLED_MAX_MS; atMs += 100) {
    const { found } = elsewhere(`at ${atMs}`);
    const { change } = step(atMs, found, { hints: [atMs], newFolders: [`${ROOT}/new`] });
    if (change?.changes.some(({ file }) => file === FILE) === true) removed += 1;
  }
  assert.equal(removed, 1);
});

test("a file that was emptied is told when it stays so: what is to be written into it may come late", () => {
  const { step } = started("1");
  const [begunMs, quiet] = [1_000, { hints: [500] }];
  assert.deepEqual(step(begunMs, snapshot(textHash("")), quiet).held, [FILE]);
  const late = step(begunMs + UNSETTLED_MAX_MS, snapshot(textHash("")), quiet);
  assert.deepEqual(late.change?.changes, [{ file: FILE, change: "modified" }]);
  const written = started("1");
  written.step(begunMs, snapshot(textHash("")), quiet);
  const { change } = written.step(begunMs + 5_000, snapshot("2"), { hints: [begunMs + 4_000] });
  assert.equal(change?.files[0]?.digest, "2");
});

test("a file that goes back to what was told is not told", () => {
  const { step } = started("1");
  step(1_000, snapshot("2"), { hints: [900] });
  assert.deepEqual(step(2_000, snapshot("1"), { hints: [1_000] }), { held: [] });
});

test("a root that is missing keeps its files, and is held until that has settled", () => {
  const { step } = started("1");
  const gone = snapshot(undefined, "missing");
  assert.deepEqual(step(1_000, gone), { held: [ROOT] });
  const { change } = step(2_000, gone, { hints: [1_000], isHeard: false });
  assert.deepEqual(change?.roots, [{ root: ROOT, status: "missing" }]);
  assert.deepEqual(change?.files, [{ file: FILE, digest: "1" }]);
  const back = step(3_000, snapshot("1"), { hints: [2_000] });
  assert.deepEqual([back.change?.roots[0]?.status, back.change?.changes], ["ok", []]);
});

test("the sixth reload in ten seconds suspends a file until it has been quiet", () => {
  const { step, teller, events } = started("0");
  const quietly = (atMs: number, digest: string) =>
    step(atMs, snapshot(digest), { hints: [atMs - DEBOUNCE_MS] }).change;
  for (let reload = 1; reload <= RELOADS_MAX; reload += 1)
    assert.ok(quietly(reload * 1_000, `${reload}`), `reload ${reload} is told`);
  assert.equal(quietly(6_000, "6"), undefined);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["suspended"],
  );
  assert.equal(quietly(7_000, "7"), undefined);
  assert.equal(teller.dueMs(), 7_000 + SUSPENDED_QUIET_MS);
  assert.equal(step(16_900, snapshot("7")).change, undefined);
  const { change } = step(7_000 + SUSPENDED_QUIET_MS, snapshot("7"));
  assert.equal(change?.files[0]?.digest, "7");
  assert.deepEqual(
    events.map(({ type }) => type),
    ["suspended", "resumed"],
  );
  assert.equal(teller.dueMs(), undefined);
});

test("a file that was suspended and goes back to what was told is taken up again too", () => {
  const { step, teller, events } = started("0");
  for (let reload = 1; reload <= RELOADS_MAX + 1; reload += 1)
    step(reload * 1_000, snapshot(`${reload}`), { hints: [reload * 1_000 - DEBOUNCE_MS] });
  step(7_000, snapshot(`${RELOADS_MAX}`));
  step(7_000 + SUSPENDED_QUIET_MS, snapshot(`${RELOADS_MAX}`));
  assert.deepEqual(
    events.map(({ type }) => type),
    ["suspended", "resumed"],
  );
  assert.equal(teller.dueMs(), undefined);
});

test("an own write is silent; once another content was seen it counts no more", () => {
  const { step, teller } = started("1");
  teller.wrote(FILE, "own");
  assert.deepEqual(step(1_000, snapshot("own"), { hints: [500] }), { held: [] });
  assert.ok(step(2_000, snapshot("theirs"), { hints: [1_500] }).change);
  assert.ok(step(3_000, snapshot("own"), { hints: [2_500] }).change);
  teller.wrote(FILE, "mine");
  assert.ok(step(4_000, snapshot("theirs"), { hints: [3_500] }).change);
  assert.ok(step(5_000, snapshot("mine"), { hints: [4_500] }).change);
});

const bursts: readonly { name: string; hints: readonly number[]; due: number | undefined }[] = [
  { name: "no hint is never due", hints: [], due: undefined },
  { name: "one hint is due after quiet", hints: [100], due: 100 + DEBOUNCE_MS },
  { name: "another hint begins the quiet anew", hints: [100, 350], due: 350 + DEBOUNCE_MS },
  {
    name: "hints without a pause are due when the burst has lasted long enough",
    hints: [0, 500, 1_000, 1_500, 1_900],
    due: DEBOUNCE_MAX_MS,
  },
];

for (const { name, hints, due } of bursts) {
  test(name, () => {
    const burst = createBurst(DEBOUNCE_MS, DEBOUNCE_MAX_MS);
    for (const atMs of hints) burst.note(FILE, atMs, true);
    assert.equal(burst.dueMs(), due);
  });
}
