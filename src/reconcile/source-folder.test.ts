// Goal: folders are followed without losing anything: what is not valid keeps its last good generation, what is away keeps everything.
// Method: real folders, loader, watcher, plane and store; the source is asked to read when a test has written.
import assert from "node:assert/strict";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import { agentText, providerText, type SourceBed, sourceBed } from "../testing/source.ts";
import { conditionOf, statusOf } from "./conditions.ts";
import { sourceProblems } from "./daemon-status.ts";
import { startRoots } from "./sources.ts";

async function follow(bed: SourceBed, more: Partial<Parameters<typeof startRoots>[1]> = {}) {
  const runner = startRoots(["agents.d", "tools.d"], { ...bed.deps, ...more });
  await runner.first;
  return runner;
}

async function withFolders(work: (bed: SourceBed, write: Write) => Promise<void>) {
  await using bed = await sourceBed();
  for (const root of ["agents.d", "tools.d"]) await mkdir(join(bed.folder, root));
  const write: Write = (file, text) => writeFile(join(bed.folder, file), text);
  await write("tools.d/models.yaml", providerText);
  await work(bed, write);
}

type Write = (file: string, text: string) => Promise<void>;

const keyA = { kind: "Agent", namespace: "default", name: "a" };
const accepted = (bed: SourceBed) => {
  const resource = bed.view.get(keyA);
  return resource && conditionOf(statusOf(resource), "Accepted");
};

test("an invalid manifest keeps its last good generation and says where it is wrong; mending it needs nothing else", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    await write("agents.d/b.yaml", agentText("b"));
    const told: (readonly Diagnostic[])[] = [];
    const runner = await follow(bed, {
      onDiagnostics: (diagnostics) => void told.push(diagnostics),
    });
    await write("agents.d/a.yaml", agentText("a", "Changed.", "  modle: x\n"));
    await write("agents.d/b.yaml", agentText("b", "Changed."));
    await runner.reload();
    const specs = JSON.stringify(await bed.specs());
    assert.match(specs, /"description":"An agent\.".*"description":"Changed\."/, "b goes on");
    assert.equal(accepted(bed)?.status, "False");
    assert.match(accepted(bed)?.message ?? "", /^agents\.d\/a\.yaml:7:3: LEG1007: unknown field/);
    assert.equal(bed.view.get(keyA)?.generation, 1);
    await runner.reload();
    const rejections = bed.events.filter(({ reason }) => reason === "Rejected");
    assert.equal(rejections.length, 1, "one event for one way of being broken");
    await write("agents.d/a.yaml", agentText("a"));
    await runner.reload();
    assert.equal(accepted(bed)?.status, "True");
    assert.equal(bed.view.get(keyA)?.generation, 1, "the same spec is no new generation");
    assert.deepEqual(
      told.map(({ length }) => length),
      [1, 0],
    );
    await runner.close();
  }));

test("a root that vanishes keeps what it declared, while other roots go on losing theirs", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    await write("tools.d/b.yaml", agentText("b"));
    const runner = await follow(bed);
    await rename(join(bed.folder, "agents.d"), join(bed.folder, "away"));
    await rm(join(bed.folder, "tools.d/b.yaml"));
    await runner.reload();
    assert.deepEqual(Object.keys(await bed.specs()), ["Agent/default/a", "Provider/default/cloud"]);
    await rename(join(bed.folder, "away"), join(bed.folder, "agents.d"));
    await rm(join(bed.folder, "agents.d/a.yaml"));
    await runner.reload();
    assert.deepEqual(Object.keys(await bed.specs()), ["Provider/default/cloud"]);
    await runner.close();
  }));

test("all roots away, or all empty: nothing is lost", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    const runner = await follow(bed);
    const before = await bed.specs();
    await rm(join(bed.folder, "agents.d/a.yaml"));
    await rm(join(bed.folder, "tools.d/models.yaml"));
    await runner.reload();
    assert.deepEqual(await bed.specs(), before, "an empty set is more often a mistake");
    assert.equal(runner.status().error?.code, "LEG1080");
    for (const root of ["agents.d", "tools.d"])
      await rm(join(bed.folder, root), { recursive: true });
    await runner.reload();
    assert.deepEqual(await bed.specs(), before);
    await runner.close();
  }));

test("strict: a set with one error is not applied at all", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    await write("agents.d/b.yaml", agentText("b", "B.", "  modle: x\n"));
    const runner = await follow(bed, { strict: true });
    assert.equal(runner.status().error?.code, "LEG6055");
    assert.deepEqual(await bed.specs(), {});
    await write("agents.d/b.yaml", agentText("b"));
    await runner.reload();
    assert.equal(Object.keys(await bed.specs()).length, 3);
    await runner.close();
  }));

test("reading again what did not change writes nothing, forced or not", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    const runner = await follow(bed);
    const version = await bed.deps.store.version();
    await runner.reload();
    await runner.reload();
    assert.equal(await bed.deps.store.version(), version);
    await runner.close();
    const again = await follow(bed);
    assert.equal(await bed.deps.store.version(), version, "nor does another start");
    await again.close();
  }));

test("somebody else's change of a field that the folder declares is undone by a forced reload", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    const runner = await follow(bed);
    const before = await bed.specs();
    const { spec, labels, annotations } = bed.view.get(keyA) ?? assert.fail();
    const object = { ...keyA, labels, annotations, spec: { ...spec, description: "Theirs." } };
    const theirs = { objects: [object], source: "them", manager: "them", digest: "" };
    await bed.deps.plane.apply({ ...theirs, force: true });
    assert.match(JSON.stringify(await bed.specs()), /Theirs/);
    await runner.reload();
    assert.deepEqual(await bed.specs(), before);
    await runner.close();
  }));

test("a rollback stands until the file says something else, also over a forced reload", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a", "One."));
    const runner = await follow(bed);
    await write("agents.d/a.yaml", agentText("a", "Two."));
    await runner.reload();
    await bed.deps.plane.rollback(keyA);
    const description = async () => (await bed.deps.plane.read(keyA))?.spec.description;
    await runner.reload();
    assert.equal(await description(), "One.");
    await runner.close();
    const again = await follow(bed);
    assert.equal(await description(), "One.", "nor does another start undo it");
    await write("agents.d/a.yaml", agentText("a", "Three."));
    await again.reload();
    assert.equal(await description(), "Three.");
    assert.deepEqual(bed.view.get(keyA)?.annotations, {});
    await again.close();
  }));

test("a reference may name what came from elsewhere, also when that comes later", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a", "An agent.", "  tools: [remote]\n"));
    const runner = await follow(bed);
    assert.equal(runner.status().diagnostics[0]?.code, "LEG1050");
    const applied = new Promise<void>((resolve) => {
      bed.view.subscribe(({ resource }) => resource.name === "a" && resolve());
    });
    const spec = { type: "builtin", builtin: "now" };
    const tool = { kind: "Tool", namespace: "default", name: "remote", spec };
    const objects = [{ ...tool, labels: {}, annotations: {} }];
    await bed.deps.plane.apply({ objects, source: "them", manager: "them", digest: "" });
    await applied;
    await runner.reload();
    assert.deepEqual(runner.status().diagnostics, []);
    await runner.close();
  }));

const labelled = (text: string) => text.replace("name: a }", "name: a, labels: { team: blue } }");

test("what was rolled back follows its file when that is renamed or labelled, and stays when that breaks then", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    await write("agents.d/b.yaml", agentText("b"));
    const runner = await follow(bed);
    await write("agents.d/a.yaml", agentText("a", "Changed."));
    await runner.reload();
    await bed.deps.plane.rollback(keyA);
    await rename(join(bed.folder, "agents.d/a.yaml"), join(bed.folder, "agents.d/c.yaml"));
    await write("agents.d/c.yaml", labelled(agentText("a", "Changed.")));
    await runner.reload();
    const written = bed.view.version;
    await runner.reload();
    assert.equal(bed.view.version, written, "nothing is written again");
    assert.deepEqual(bed.view.get(keyA)?.labels, { team: "blue" });
    assert.match(JSON.stringify(bed.view.get(keyA)?.spec), /An agent\./);
    assert.equal(bed.view.get(keyA)?.origin?.file, join(bed.folder, "agents.d/c.yaml"));
    await write("agents.d/c.yaml", "broken: [");
    await runner.reload();
    assert.match(JSON.stringify(bed.view.get(keyA)?.spec), /An agent\./);
    await write("agents.d/c.yaml", agentText("a", "Once more."));
    await runner.reload();
    assert.match(JSON.stringify(bed.view.get(keyA)?.spec), /Once more\./);
    assert.deepEqual(bed.view.get(keyA)?.labels, {});
    assert.deepEqual(bed.view.get(keyA)?.annotations, {});
    await runner.close();
  }));

test("what another source took over comes back when that one goes", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    const runner = await follow(bed);
    const before = bed.view.get(keyA);
    assert.ok(before);
    const { labels, annotations } = before;
    const spec = { description: "Theirs.", model: "cloud/large" };
    const theirs = { source: "source/them", manager: "source/them", digest: "", force: true };
    const objects = [{ ...keyA, labels, annotations, spec }];
    await bed.deps.plane.apply({ ...theirs, objects, claim: true });
    const { promise: isBack, resolve } = Promise.withResolvers<void>();
    bed.view.subscribe(({ type, resource }) => {
      if (type === "added" && resource.name === "a") resolve();
    });
    await bed.deps.plane.apply({ ...theirs, objects: [], prune: true, allowEmpty: true });
    await isBack;
    assert.equal(bed.view.get(keyA)?.origin?.source, "roots");
    assert.match(JSON.stringify(bed.view.get(keyA)?.spec), /An agent\./);
    await runner.close();
  }));

test("an object that somebody deleted is made again with the next change of the folder", () =>
  withFolders(async (bed, write) => {
    for (const name of ["a", "b"]) await write(`agents.d/${name}.yaml`, agentText(name));
    const runner = await follow(bed);
    await bed.deps.plane.delete([keyA]);
    const { promise: isBack, resolve } = Promise.withResolvers<void>();
    bed.view.subscribe(({ type, resource }) => {
      if (type === "added" && resource.name === "a") resolve();
    });
    await write("agents.d/b.yaml", agentText("b", "Changed."));
    await isBack;
    await runner.close();
  }));

test("checkouts in a state folder below a root are not the root's", () =>
  withFolders(async (bed, write) => {
    const checkout = join("state", "sources", "01", "abc");
    await mkdir(join(bed.folder, checkout), { recursive: true });
    await write(join(checkout, "a.yaml"), agentText("a"));
    await write("agents.d/b.yaml", agentText("b"));
    await using runner = startRoots(["."], bed.deps);
    await runner.first;
    assert.deepEqual(Object.keys(await bed.specs()), ["Agent/default/b", "Provider/default/cloud"]);
  }));

/** What a file may become that declared an agent. */
const slips: readonly (readonly [name: string, file: string, text: string])[] = [
  ["emptied", "a.yaml", ""],
  ["only comments", "a.yaml", "# later\n"],
  ["no manifest any more", "a.yaml", "some: thing\n"],
  ["Markdown without its front matter", "a.md", "Do.\n"],
  ["Markdown whose front matter is not closed", "a.md", "---\nname: a\ndescription: x\n\nDo.\n"],
  ["Markdown with a misspelt field", "a.md", "---\nname: a\ndescrption: x\n---\nDo.\n"],
];

for (const [name, file, text] of slips) {
  test(`a file that declared an agent and is ${name} keeps it, and says so; removing the file deletes it`, () =>
    withFolders(async (bed, write) => {
      const whole = file.endsWith(".md")
        ? "---\nname: a\ndescription: x\nmodel: cloud/large\n---\nDo.\n"
        : agentText("a");
      await write(`agents.d/${file}`, whole);
      await write("agents.d/README.md", "# Agents\n");
      const runner = await follow(bed);
      assert.deepEqual(runner.status().diagnostics, []);
      await write(`agents.d/${file}`, text);
      await runner.reload();
      await runner.reload();
      assert.ok(bed.view.get(keyA), "it is kept");
      assert.equal(accepted(bed)?.status, "False");
      assert.match(accepted(bed)?.message ?? "", new RegExp(`^agents\\.d/${file}`));
      const status = runner.status();
      assert.ok(status.diagnostics.some(({ severity }) => severity === "error"));
      assert.equal(status.objects, 2);
      assert.equal(bed.events.filter(({ reason }) => reason === "Rejected").length, 1);
      await write(`agents.d/${file}`, whole);
      await runner.reload();
      assert.equal(accepted(bed)?.status, "True");
      assert.equal(bed.view.get(keyA)?.generation, 1);
      await write(`agents.d/${file}`, text);
      await runner.reload();
      await rm(join(bed.folder, "agents.d", file));
      await runner.reload();
      assert.equal(bed.view.get(keyA), undefined);
      await runner.close();
    }));
}

test("a document that is removed from a file with others takes its object along", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/ab.yaml", `${agentText("a")}---\n${agentText("b")}`);
    const runner = await follow(bed);
    await write("agents.d/ab.yaml", agentText("b"));
    await runner.reload();
    assert.deepEqual(Object.keys(await bed.specs()), ["Agent/default/b", "Provider/default/cloud"]);
    await runner.close();
  }));

test("a manifest that breaks in another way, or whose root goes away, is not told to be valid again", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    const runner = await follow(bed);
    await write("agents.d/a.yaml", agentText("a", "A.", "  modle: x\n"));
    await runner.reload();
    await write("agents.d/a.yaml", "broken: [");
    await runner.reload();
    assert.match(accepted(bed)?.message ?? "", /^agents\.d\/a\.yaml:1:\d+: LEG1020/);
    await rename(join(bed.folder, "agents.d"), join(bed.folder, "away"));
    await runner.reload();
    assert.equal(accepted(bed)?.status, "False");
    assert.ok(!bed.events.some(({ reason }) => reason === "Accepted"));
    await runner.close();
  }));

test("two broken manifests of one object are told once", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a", "A.", "  modle: x\n"));
    await write("agents.d/b.yaml", agentText("a", "A.", "  tols: x\n"));
    const runner = await follow(bed);
    await runner.reload();
    await runner.reload();
    assert.equal(bed.events.filter(({ reason }) => reason === "Rejected").length, 1);
    await runner.close();
  }));

test("a start with fewer roots keeps what the others declare, for references too, and says so until it is deleted", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    await write("agents.d/b.yaml", agentText("b"));
    await (await follow(bed)).close();
    await rm(join(bed.folder, "agents.d/b.yaml"));
    const runner = startRoots(["agents.d"], bed.deps);
    await runner.first;
    assert.deepEqual(Object.keys(await bed.specs()), ["Agent/default/a", "Provider/default/cloud"]);
    assert.deepEqual(runner.status().diagnostics, []);
    const message =
      "declared below tools.d, which is not among the roots of this daemon; add the root, or delete it";
    const problem = { subject: "provider/cloud", reason: "RootMissing", message };
    assert.deepEqual(sourceProblems([runner.status()]), [problem]);
    const key = { kind: "Provider", namespace: "default", name: "cloud" };
    await bed.deps.plane.delete([key]);
    await bed.view.reached(await bed.deps.store.version());
    assert.deepEqual(sourceProblems([runner.status()]), []);
    await runner.close();
  }));

test("a root that is gone is a problem as long as something of it is there", () =>
  withFolders(async (bed, write) => {
    await write("agents.d/a.yaml", agentText("a"));
    const runner = await follow(bed);
    await rename(join(bed.folder, "agents.d"), join(bed.folder, "away"));
    await runner.reload();
    const message = "agents.d is gone; what it declared stays";
    assert.deepEqual(sourceProblems([runner.status()]), [
      { subject: "roots", reason: "RootGone", message },
    ]);
    assert.equal(runner.status().objects, 2);
    await rename(join(bed.folder, "away"), join(bed.folder, "agents.d"));
    await runner.reload();
    assert.deepEqual(sourceProblems([runner.status()]), []);
    await runner.close();
  }));

test("an object that two declare is taken over with a word", () =>
  withFolders(async (bed, write) => {
    const spec = { wire: "openai-chat", baseUrl: "https://models.example.com/v2" };
    const key = { kind: "Provider", namespace: "default", name: "cloud" };
    const objects = [{ ...key, labels: {}, annotations: {}, spec }];
    await bed.deps.plane.apply({ objects, source: "them", manager: "them", digest: "" });
    await bed.view.reached(await bed.deps.store.version());
    await write("agents.d/a.yaml", agentText("a"));
    const runner = await follow(bed);
    const told = bed.events.filter(({ reason }) => reason === "TakenOver");
    assert.deepEqual(
      told.map(({ object, message }) => [object, /^roots declares it .* them did/.test(message)]),
      [["Provider/default/cloud", true]],
    );
    await runner.reload();
    assert.equal(bed.events.filter(({ reason }) => reason === "TakenOver").length, 1);
    await runner.close();
  }));
