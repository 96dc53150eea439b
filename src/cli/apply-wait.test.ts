// Goal: waiting ends when the present generation is Ready, and never for a statement about an earlier one; else it says why not.
// Method: real commands against a served state folder in which the test is the reconciler; a property over random conditions.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import fc from "fast-check";
import type { ApiObject, Condition, ConditionType } from "../reconcile/contract.ts";
import { runOnStreams } from "../testing/command-streams.ts";
import { agentManifest, providerManifest } from "../testing/manifests.ts";
import { type ServedFolder, serveFolder } from "../testing/served-folder.ts";
import { seedCondition } from "../testing/state-folder.ts";
import { readinessOf } from "./readiness.ts";

let base = "";
let cwd = "";
let made = 0;

before(async () => {
  base = await mkdtemp(join(tmpdir(), "legion-wait-"));
});

after(() => rm(base, { recursive: true, force: true }));

beforeEach(async () => {
  made += 1;
  cwd = join(base, String(made));
  await mkdir(cwd, { recursive: true });
});

const run = (line: string) => runOnStreams(line.split(" "), { cwd });
const serve = () => serveFolder(join(cwd, ".legion"));
const write = (...texts: string[]) => writeFile(join(cwd, "a.yaml"), texts.join(""));

/** Says something about an object, as a reconciler does. */
async function say(
  { store }: ServedFolder,
  kind: string,
  name: string,
  ...conditions: ReturnType<typeof seedCondition>[]
): Promise<void> {
  const key = { kind, namespace: "default", name };
  await store.write([{ type: "status", key, status: { conditions } }], { at: Date.now() });
}

/** Resolves when an object is there in that generation. */
async function arrived({ plane }: ServedFolder, name: string, generation = 1): Promise<void> {
  const query = { kind: "Agent", name };
  const { items, version } = await plane.list(query);
  if (items.some(({ metadata }) => metadata.generation >= generation)) return;
  const stop = new AbortController();
  for await (const { object } of plane.watch(version, query, stop.signal))
    if (object.metadata.generation >= generation) stop.abort();
}

test("apply --wait ends when everything is Ready with its generation", async () => {
  await using served = await serve();
  await write(providerManifest(), agentManifest("a"));
  const waiting = run("apply -f a.yaml --wait --timeout 30s");
  await arrived(served, "a");
  await say(served, "Agent", "a", seedCondition("Ready", "True", "Running"));
  await say(served, "Provider", "local", seedCondition("Ready", "True", "Available"));
  const { exitCode, stderr } = await waiting;
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /all of it is ready/);
});

test("a Ready of the generation before is not enough, and --timeout tells what is missing with 124", async () => {
  await using served = await serve();
  await write(providerManifest(), agentManifest("a"));
  await run("apply -f a.yaml");
  await say(served, "Provider", "local", seedCondition("Ready", "True", "Available"));
  await say(served, "Agent", "a", seedCondition("Ready", "True", "Running"));
  await write(providerManifest(), agentManifest("a", { description: "Second." }));
  const { exitCode, stdout, stderr } = await run("apply -f a.yaml --wait --timeout 300ms");
  assert.equal(exitCode, 124);
  assert.match(stdout, /agent\/a +configured/);
  assert.match(stderr, /LEG7026\]: 1 of 2 objects not ready after 300 ms: agent\/a \(Pending/);
});

test("an object that is stalled ends it with 1 once nothing else is waited for, and not before", async () => {
  await using served = await serve();
  await write(providerManifest(), agentManifest("a"), agentManifest("b"));
  const waiting = run("apply -f a.yaml --wait --timeout 30s");
  await arrived(served, "b");
  await say(served, "Provider", "local", seedCondition("Ready", "True", "Available"));
  await say(
    served,
    "Agent",
    "a",
    seedCondition("Stalled", "True", "ToolMissing", "tool x is missing"),
  );
  await say(
    served,
    "Agent",
    "b",
    seedCondition("Stalled", "True", "ToolMissing", "tool y is missing"),
  );
  const { exitCode, stderr } = await waiting;
  assert.equal(exitCode, 1);
  assert.match(stderr, /LEG7027\]: .*agent\/[ab] \(ToolMissing: tool [xy] is missing\)/);
});

test("an object that is deleted while it is waited for ends it with 1", async () => {
  await using served = await serve();
  await write(providerManifest());
  const waiting = run("apply -f a.yaml --wait --timeout 30s");
  const stop = new AbortController();
  for await (const { object } of served.plane.watch(0, { kind: "Provider" }, stop.signal))
    if (object.metadata.name === "local") stop.abort();
  await served.plane.delete([{ kind: "Provider", namespace: "default", name: "local" }]);
  const { exitCode, stderr } = await waiting;
  assert.equal(exitCode, 1);
  assert.match(stderr, /LEG7032\]: provider\/local was deleted/);
});

test("an object that is still being deleted is deferred, and --wait does not call that ready", async () => {
  await using served = await serve();
  await write(providerManifest(), agentManifest("a"));
  await run("apply -f a.yaml");
  assert.equal((await run("delete agent/a --wait=false")).exitCode, 0);
  await say(served, "Provider", "local", seedCondition("Ready", "True", "Available"));
  const { exitCode, stdout, stderr } = await run("apply -f a.yaml --wait --timeout 30s");
  assert.equal(exitCode, 1);
  assert.match(stdout, /agent\/a +deferred\n {4}# it is being deleted/);
  assert.match(stderr, /1 object still being deleted: apply again/);
  assert.match((await run("apply -f a.yaml --dry-run=client")).stdout, /agent\/a +deferred/);
});

test("interrupting the waiting ends with 130 and leaves what was applied", async () => {
  await using served = await serve();
  await write(providerManifest(), agentManifest("a"));
  const interrupt = new AbortController();
  const words = ["apply", "-f", "a.yaml", "--wait"];
  const waiting = runOnStreams(words, { cwd, signal: interrupt.signal });
  await arrived(served, "a");
  interrupt.abort();
  assert.equal((await waiting).exitCode, 130);
  assert.equal((await served.plane.list({})).items.length, 2);
});

test("rollout status tells what it waits for, then that it is ready", async () => {
  await using served = await serve();
  await write(providerManifest(), agentManifest("a"));
  await run("apply -f a.yaml");
  assert.equal((await run("rollout status agent/a --watch=false")).exitCode, 1);
  await say(served, "Agent", "a", seedCondition("Ready", "False", "TurnInFlight", "a turn runs"));
  const waiting = run("rollout status agent/a --timeout 30s");
  await say(served, "Agent", "a", seedCondition("Ready", "True", "Running"));
  const { exitCode, stdout, stderr } = await waiting;
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^agent\/a: generation 1 is ready \(Running/);
  const late = await run("rollout status provider/local --timeout 200ms");
  assert.equal(late.exitCode, 124);
  assert.match(late.stderr, /waiting: provider\/local generation 1: Pending[\s\S]*LEG7026/);
});

test("rollout status of a stalled object, of a rejected manifest and of none ends with 1 and the reason", async () => {
  await using served = await serve();
  await write(providerManifest(), agentManifest("a"));
  await run("apply -f a.yaml");
  await say(
    served,
    "Agent",
    "a",
    seedCondition("Stalled", "True", "ToolMissing", "tool x is missing"),
  );
  const stalled = await run("rollout status agent/a");
  assert.equal(stalled.exitCode, 1);
  assert.match(
    stalled.stderr,
    /LEG7027\]: generation 1 of agent\/a cannot become ready: ToolMissing: tool x/,
  );
  const ready = seedCondition("Ready", "True", "Running");
  const rejected = seedCondition("Accepted", "False", "Invalid", "a.yaml:3:1: unknown field");
  await say(served, "Agent", "a", rejected, ready);
  const old = await run("rollout status agent/a -o json");
  assert.equal(old.exitCode, 1);
  assert.match(old.stderr, /LEG7028\]: .*generation 1 goes on: a\.yaml:3:1/);
  assert.equal(JSON.parse(old.stdout).isReady, false);
  const none = await run("rollout status agent/aa");
  assert.match(none.stderr, /did you mean "a"/);
});

const types: readonly ConditionType[] = ["Accepted", "Ready", "Reconciling", "Stalled"];
const condition: fc.Arbitrary<Condition> = fc.record({
  type: fc.constantFrom(...types),
  status: fc.constantFrom("True" as const, "False" as const, "Unknown" as const),
  reason: fc.constant("Reason"),
  message: fc.constant("A message."),
  lastTransitionTime: fc.constant("2026-01-01T00:00:00.000Z"),
  observedGeneration: fc.integer({ min: 1, max: 4 }),
});

test("an object is never ready, nor stalled, by a statement about an earlier generation", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(condition, { selector: ({ type }) => type }),
      fc.integer({ min: 1, max: 4 }),
      (conditions, generation) => {
        const object: ApiObject = {
          apiVersion: "legion.dev/v1",
          kind: "Agent",
          metadata: {
            ...{ name: "a", namespace: "default", uid: "u", generation, resourceVersion: 1 },
            creationTimestamp: "2026-01-01T00:00:00.000Z",
          },
          spec: {},
          status: { conditions },
        };
        const says = (type: ConditionType) =>
          conditions.some(
            (one) =>
              one.type === type && one.status === "True" && one.observedGeneration >= generation,
          );
        const expected = says("Ready") ? "ready" : says("Stalled") ? "stalled" : "waiting";
        assert.equal(readinessOf(object).state, expected);
      },
    ),
  );
});
