// Goal: objects are told, found, watched, labelled, deleted and rolled back as a person at a prompt expects it, with the next step in every error.
// Method: the plane over the memory store, with and without a daemon; expectations are whole objects, events and errors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { put } from "../state/contract/case.ts";
import { openMemoryStore } from "../state/memory.ts";
import { applyOf, desired } from "../testing/desired.ts";
import type { ObjectEvent, ObjectQuery } from "./contract.ts";
import { createObjectPlane } from "./plane.ts";

const at = (name: string, kind = "Agent", namespace = "default") => ({ kind, namespace, name });
const names = (objects: readonly { metadata: { name: string } }[]) =>
  objects.map(({ metadata }) => metadata.name);

function opened(idle = true) {
  const clock = manualClock();
  const store = openMemoryStore({ clock });
  return { store, clock, plane: createObjectPlane({ store, clock, idle }) };
}

async function refused(work: Promise<unknown>, code: string): Promise<LegionError> {
  const error = await work.then(
    () => assert.fail(`expected ${code}`),
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof LegionError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

test("an object reads like a manifest with what the server adds, in the order that people know", async () => {
  const { plane } = opened();
  await plane.apply(applyOf([desired("a", { description: "x" }, { labels: { team: "t" } })]));
  const object = await plane.read(at("a"));
  assert.ok(object);
  assert.deepEqual(Object.keys(object), ["apiVersion", "kind", "metadata", "spec", "status"]);
  const { uid, ...metadata } = object.metadata;
  assert.match(uid, /^[0-9A-Z]{26}$/);
  assert.deepEqual(metadata, {
    name: "a",
    namespace: "default",
    labels: { team: "t" },
    generation: 1,
    resourceVersion: 1,
    creationTimestamp: "2026-01-01T00:00:00.000Z",
    finalizers: ["legion.dev/drain"],
    managers: { m: 3 },
    origin: { source: "s", file: "/agents.d/a.yaml", root: "/agents.d", document: 0 },
  });
  assert.deepEqual(object.status, {});
  assert.equal(await plane.read(at("z")), undefined);
});

test("a list takes kind, namespace, name and selector, and says from where to watch", async () => {
  const { plane } = opened();
  const objects = [
    desired("a", undefined, { labels: { team: "x" } }),
    desired("b", undefined, { labels: { team: "y" } }),
    desired("a", undefined, { namespace: "other" }),
    desired("r", { tiers: [{ name: "one", targets: ["p/m"] }] }, { kind: "Router" }),
  ];
  await plane.apply(applyOf(objects));
  const rows: readonly (readonly [ObjectQuery, readonly string[]])[] = [
    [{}, ["a", "b", "a", "r"]],
    [{ kind: "Agent" }, ["a", "b", "a"]],
    [{ name: "a" }, ["a", "a"]],
    [{ kind: "Agent", namespace: "other", name: "a" }, ["a"]],
    [{ kind: "Agent", namespace: "other", name: "b" }, []],
    [{ selector: "team in (x,z)" }, ["a"]],
    [{ kind: "Agent", namespace: "default", name: "a", selector: "team=y" }, []],
  ];
  for (const [query, want] of rows) {
    const { items, version } = await plane.list(query);
    assert.deepEqual(names(items), want, JSON.stringify(query));
    assert.equal(version, 4);
  }
  await refused(plane.list({ selector: "team in (" }), "LEG7040");
});

test("what does not exist is told with the name that was probably meant", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("reviewer"), desired("far", undefined, { namespace: "n" })]));
  const near = await refused(plane.delete([at("revewer"), at("reviewer")]), "LEG6030");
  assert.match(near.message, /agent "revewer" does not exist in namespace default/);
  assert.match(near.hint, /did you mean "reviewer"/);
  assert.equal((await store.list()).length, 2);
  assert.match((await refused(plane.history(at("far")), "LEG6030")).hint, /-n n/);
  await refused(plane.edit(at("x"), { manager: "m" }), "LEG6030");
  await refused(plane.rollback(at("x")), "LEG6030");
});

test("a deleted object goes at once where no daemon runs, and waits for its finalizers where one does", async () => {
  for (const idle of [true, false]) {
    const { plane } = opened(idle);
    await plane.apply(applyOf([desired("a")]));
    assert.deepEqual(names(await plane.delete([at("a")], { dryRun: true })), ["a"]);
    assert.equal((await plane.read(at("a")))?.metadata.deletionTimestamp, undefined);
    assert.deepEqual(names(await plane.delete([at("a")])), ["a"]);
    const left = await plane.read(at("a"));
    assert.equal(left?.metadata.deletionTimestamp !== undefined, !idle);
  }
});

test("objects that are left without an owner go too, to any depth; those with another owner stay", async () => {
  const { plane, store, clock } = opened();
  await store.write([put("root"), put("other")], { at: clock.now() });
  const owner = async (...owners: string[]) =>
    Promise.all(
      owners.map(async (name) => ({ ...at(name), uid: (await store.read(at(name)))?.uid ?? "" })),
    );
  const child = async (name: string, ...owners: string[]) => {
    const ownerReferences = await owner(...owners);
    await store.write([put(name, {}, { ownerReferences })], { at: clock.now() });
  };
  await child("child", "root");
  await child("grandchild", "child");
  await child("shared", "root", "other");
  assert.deepEqual(names(await plane.delete([at("root")])), ["root", "child", "grandchild"]);
  assert.deepEqual(names((await plane.list({})).items), ["other", "shared"]);
});

test("a Source that is deleted where no daemon runs takes along what it brought, unless that was taken over or is kept", async () => {
  const { plane, store } = opened();
  const source = desired("git", { type: "folder", path: "/x" }, { kind: "Source" });
  const keep = { "legion.dev/prune": "disabled" };
  const brought = [desired("a"), desired("b"), desired("c", undefined, { annotations: keep })];
  await plane.apply(applyOf([source]));
  await plane.apply(applyOf(brought, { source: "source/git", manager: "source/git" }));
  await plane.apply(applyOf([source, desired("b")], { manager: "m2", claim: true, force: true }));
  assert.deepEqual(names(await plane.delete([at("git", "Source")])), ["git", "a"]);
  assert.deepEqual(names((await plane.list({})).items), ["b", "c"]);
  assert.equal(await store.inventory("source/git"), undefined);
});

test("a Source that an apply prunes takes along what it brought, but not what the same apply declares", async () => {
  const { plane, store } = opened();
  await plane.apply(applyOf([desired("git", { type: "folder", path: "/x" }, { kind: "Source" })]));
  const brought = { source: "source/git", manager: "source/git" } as const;
  await plane.apply(applyOf([desired("a"), desired("b")], brought));
  const { objects } = await plane.apply(applyOf([desired("b")], { claim: true }));
  assert.deepEqual(
    objects.map(({ name, outcome, generation }) => `${name} ${outcome} ${generation}`),
    ["b configured 1", "git pruned 0", "a pruned 0"],
  );
  assert.deepEqual(names((await plane.list({})).items), ["b"]);
  assert.deepEqual(
    (await store.inventories()).map(({ source, keys }) => [source, keys]),
    [["s", [at("b")]]],
  );
});

test("labels are set, replaced only when told so, and removed; the generation stays", async () => {
  const { plane, store } = opened();
  const request = applyOf([desired("a", undefined, { labels: { team: "x", tier: "1" } })]);
  await plane.apply(request);
  const taken = await refused(
    plane.edit(at("a"), { labels: { team: "y" }, manager: "cli" }),
    "LEG6031",
  );
  assert.match(taken.message, /label team=x already/);
  const changes = { team: "y", tier: null, env: "prod" };
  const annotations = { note: "hello" };
  const edited = await plane.edit(at("a"), {
    labels: changes,
    annotations,
    overwrite: true,
    manager: "cli",
  });
  assert.deepEqual(edited.metadata.labels, { team: "y", env: "prod" });
  assert.deepEqual([edited.metadata.annotations, edited.metadata.generation], [annotations, 1]);
  assert.deepEqual((await store.read(at("a")))?.managers.cli, [
    "/annotations/note",
    "/labels/env",
    "/labels/team",
  ]);
  // The value that was replaced belongs to whoever replaced it; the one that was removed comes back.
  await refused(plane.apply(request), "LEG6026");
  await plane.apply({ ...request, force: true });
  assert.deepEqual((await plane.read(at("a")))?.metadata.labels, {
    team: "x",
    env: "prod",
    tier: "1",
  });
  const invalid = { "not a label": "x", long: "x".repeat(64) };
  const error = await refused(plane.edit(at("a"), { labels: invalid, manager: "cli" }), "LEG6033");
  assert.match(error.message, /metadata/);
});

test("rollback makes an earlier spec a new generation, and the file's next change takes over without a conflict", async () => {
  const { plane } = opened();
  const send = (spec: object, manager = "m") =>
    plane.apply(applyOf([desired("a", { description: "x", ...spec })], { manager }));
  await refused(
    send({}).then(() => plane.rollback(at("a"))),
    "LEG6032",
  );
  await send({ maxIterations: 50, sandbox: { memory: "32MiB" } });
  await send({ model: "m3" });
  const back = await plane.rollback(at("a"));
  assert.deepEqual([back.metadata.generation, back.spec.maxIterations], [4, 50]);
  assert.equal(back.spec.model, "default");
  assert.deepEqual(
    (await plane.history(at("a"))).map(({ generation, manager }) => `${generation} ${manager}`),
    ["4 rollback", "3 m", "2 m", "1 m"],
  );
  const chosen = await plane.rollback(at("a"), 1);
  assert.equal(chosen.spec.maxIterations, 10);
  await plane.rollback(at("a"), 2);
  await send({ description: "new" });
  const now = await plane.read(at("a"));
  assert.deepEqual([now?.spec.description, now?.spec.maxIterations], ["new", 10]);
  assert.equal((now?.spec.sandbox as { memory: string }).memory, "64MiB");
  const unknown = await refused(plane.rollback(at("a"), 1), "LEG6032");
  assert.deepEqual(unknown.valid, ["6", "5", "4", "3"]);
  await refused(plane.rollback(at("a"), 7), "LEG6032");
});

/** The first so many events of a watch, without waiting longer than for them. */
async function take(events: AsyncIterable<ObjectEvent>, many: number, stop: AbortController) {
  const found: string[] = [];
  for await (const { type, object, version } of events) {
    found.push(`${version} ${type} ${object.metadata.name}`);
    if (found.length === many) stop.abort();
  }
  return found;
}

test("a watch goes on from the version of a list, and tells an object that no longer matches as deleted", async () => {
  const { plane } = opened();
  const team = (name: string, value: string) =>
    desired(name, undefined, { labels: { team: value } });
  await plane.apply(applyOf([team("a", "x"), team("b", "y"), team("c", "y")]));
  const { version } = await plane.list({ selector: "team=x" });
  const stop = new AbortController();
  const events = take(plane.watch(version, { selector: "team=x" }, stop.signal), 3, stop);
  const steps = [
    [team("a", "y"), team("b", "y"), team("c", "z")],
    [team("a", "y"), team("b", "x"), team("c", "z")],
    [team("a", "y"), team("c", "z")],
  ];
  for (const objects of steps) {
    // Each apply is seen for itself: a watch tells only the newest of several changes.
    await new Promise(setImmediate);
    await plane.apply(applyOf(objects));
  }
  assert.deepEqual(await events, ["4 deleted a", "6 added b", "7 deleted b"]);
});

test("a watch filters by kind and name, ends when it is told to, and refuses a version that is not known", async () => {
  const { plane } = opened();
  const stop = new AbortController();
  const events = take(plane.watch(0, { kind: "Agent", name: "b" }, stop.signal), 2, stop);
  await plane.apply(applyOf([desired("a"), desired("b")]));
  await new Promise(setImmediate);
  await plane.apply(applyOf([desired("b", { description: "new" })]));
  assert.deepEqual(await events, ["2 added b", "3 modified b"]);
  const never = plane.watch(99, {}, new AbortController().signal);
  await refused(take(never, 1, new AbortController()), "LEG6023");
});

test("a plane whose lease is over changes nothing", async () => {
  const { store, clock } = opened();
  const fence = { lease: "state-folder", epoch: 7 };
  const plane = createObjectPlane({ store, clock, fence, idle: true });
  await refused(plane.apply(applyOf([desired("a")])), "LEG6022");
  assert.equal(await store.version(), 0);
});
